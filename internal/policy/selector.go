package policy

// traits are what the methods of Kind tell.
type traits struct {
	identity, exclusive bool
	decisions           []Decision
}

// NeedsIdentity reports whether rules of the kind ask who somebody is, which
// only a login tells: the column "Identity-based selector?" of Cloudflare's
// table of selectors. Three kinds that aren't in that table count as what they
// stand for: e-mail lists, authentication contexts, members of an account. What
// a rule group holds isn't known here.
func (k Kind) NeedsIdentity() bool { return k.traits.identity }

// Decisions returns the decisions under which rules of the kind are looked at,
// by Cloudflare's table of selectors and, for linked_app_token, its schema; nil
// stands for all. The caller must not alter it.
func (k Kind) Decisions() []Decision { return k.traits.decisions }

// Exclusive reports whether a request has one value at most of what rules of
// the kind ask for, so that two rules that differ never both hold.
func (k Kind) Exclusive() bool { return k.traits.exclusive }
