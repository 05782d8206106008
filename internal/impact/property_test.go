package impact_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// plainWords are rules that match the same requests whatever the decision;
// moreWords are others, also such as this version doesn't know.
func plainWords() []string {
	return []string{
		"everyone", "geo:US", "geo:PT", "certificate", "common_name:c1", "common_name:c2",
		"ip:10.0.0.0/8", "ip:10.1.0.0/16", "ip:10.1.2.3/32", "ip:0.0.0.0/0", "ip:::/0", "ip:2001:db8::/32", "ip:2001:db8:1::/48",
	}
}

func moreWords() []string {
	return []string{
		"email:a@x.com", "email:b@x.com", "email:A@y.com", "email:a@sub.x.com", "email_domain:x.com", "email_domain:y.com",
		"service_token:t1", "service_token:t2", "any_valid_service_token", "group:g1", "email_list:l1", "saml:a,v,idp",
		"github-organization:o1,,idp", "github-organization:o1,devs,idp", "github-organization:o2,ops,idp",
		"user_risk_score:low", "user_risk_score:low+medium", "user_risk_score:high", "user_risk_score:unscored+low",
		"brand_new", "brand_new:1", "brand_new:2", "everyone:but", "email:a@x.com,future",
	}
}

// outline is a policy that is easily altered.
type outline struct {
	decision string
	lists    [3][]string    // of include, require, exclude
	settings map[string]any // by dotted path
}

func (o outline) policy() policy.Policy {
	text := o.decision
	for i, name := range []string{"include", "require", "exclude"} {
		text += " " + name + " " + strings.Join(o.lists[i], " ")
	}
	p := parse(text)
	p.Settings = maps.Clone(o.settings)
	return p
}

func (o outline) clone() outline {
	o.settings = maps.Clone(o.settings)
	for i := range o.lists {
		o.lists[i] = slices.Clone(o.lists[i])
	}
	return o
}

// kit is what outlines are made of.
type kit struct {
	words, decisions []string
	settings         map[string][]any
}

func decisions() []string { return []string{"allow", "allow", "deny", "non_identity", "bypass"} }

func settings(t *rapid.T) map[string][]any {
	var all map[string][]any
	decoder := json.NewDecoder(strings.NewReader(`{
		"session_duration": ["0s", "1h", "24h", "48h", "1440m"],
		"approval_required": [true, false],
		"approval_groups": [
			[{"approvals_needed": 1, "email_addresses": ["a@x.com"]}],
			[{"approvals_needed": 1, "email_addresses": ["a@x.com", "b@x.com"]}],
			[{"approvals_needed": 2, "email_addresses": ["a@x.com", "b@x.com"]}],
			[{"approvals_needed": 1, "email_addresses": ["a@x.com"]}, {"approvals_needed": 2, "email_addresses": ["a@y.com", "b@x.com"]}],
			[{"approvals_needed": 1, "email_addresses": ["a@x.com"]}, {"approvals_needed": 1, "email_addresses": ["a@y.com", "b@x.com"]}],
			[{"approvals_needed": 1, "email_list_uuid": "l1"}],
			[{"approvals_needed": 1, "email_list_uuid": "l2", "email_addresses": ["a@y.com"]}],
			[{"approvals_needed": 0}], []],
		"purpose_justification_required": [true],
		"purpose_justification_prompt": ["Why?", "What for?"],
		"isolation_required": [true, false],
		"mfa_config": [
			{"mfa_disabled": true}, {"allowed_authenticators": ["totp"]}, {"allowed_authenticators": ["totp", "security_key"]},
			{"allowed_authenticators": ["biometrics"], "session_duration": "1h"}, {"session_duration": "12h"}, {"session_duration": "24h"},
			{"mfa_disabled": true, "allowed_authenticators": ["totp"], "session_duration": "720h"}],
		"connection_rules": [
			{"rdp": {"allowed_clipboard_local_to_remote_formats": ["text"]}},
			{"rdp": {"allowed_clipboard_local_to_remote_formats": ["file", "text"]}},
			{"rdp": {"allowed_clipboard_local_to_remote_formats": ["text"], "allowed_clipboard_remote_to_local_formats": ["text"]}},
			{"rdp": {"allowed_clipboard_remote_to_local_formats": ["file"]}}],
		"future": [1, 2]}`))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (k kit) draw(t *rapid.T) outline {
	o := outline{decision: rapid.SampledFrom(k.decisions).Draw(t, "decision"), settings: map[string]any{}}
	for i, longest := range []int{4, 2, 2} {
		o.lists[i] = rapid.SliceOfN(rapid.SampledFrom(k.words), 0, longest).Draw(t, "rules")
	}
	for range rapid.IntRange(0, min(3, len(k.settings))).Draw(t, "settings") {
		k.set(t, o)
	}
	return o
}

func (k kit) set(t *rapid.T, o outline) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(k.settings))).Draw(t, "setting")
	o.settings[name] = rapid.SampledFrom(k.settings[name]).Draw(t, name)
}

// alter returns an outline that differs from another in a few places.
func (k kit) alter(t *rapid.T, o outline) outline {
	o = o.clone()
	for range rapid.IntRange(1, 3).Draw(t, "alterations") {
		list := &o.lists[rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "list")]
		switch rapid.SampledFrom([]string{"add", "remove", "replace", "decide", "set", "unset"}).Draw(t, "alteration") {
		case "add":
			*list = append(*list, rapid.SampledFrom(k.words).Draw(t, "rule"))
		case "remove":
			if n := len(*list); n > 0 {
				i := rapid.IntRange(0, n-1).Draw(t, "index")
				*list = slices.Delete(*list, i, i+1)
			}
		case "replace":
			if n := len(*list); n > 0 {
				(*list)[rapid.IntRange(0, n-1).Draw(t, "index")] = rapid.SampledFrom(k.words).Draw(t, "rule")
			}
		case "decide":
			o.decision = rapid.SampledFrom(k.decisions).Draw(t, "decision")
		case "set":
			if len(k.settings) > 0 {
				k.set(t, o)
			}
		default:
			for _, name := range slices.Sorted(maps.Keys(o.settings)) {
				if rapid.Bool().Draw(t, "unset") {
					delete(o.settings, name)
				}
			}
		}
	}
	return o
}

func anyWorld(t *rapid.T) world {
	hours := func(name string) time.Duration {
		return time.Duration(rapid.SampledFrom([]int{0, 6, 30, 1000}).Draw(t, name)) * time.Hour
	}
	return world{
		strict: rapid.Bool().Draw(t, "strict"), threshold: rapid.Bool().Draw(t, "threshold"), allGroups: rapid.Bool().Draw(t, "all groups"),
		session: hours("session"), mfa: hours("mfa"), mfaAsked: rapid.Bool().Draw(t, "mfa asked"),
		mfaAllowed: rapid.SampledFrom([][]string{{"totp"}, {"totp", "biometrics", "security_key"}}).Draw(t, "mfa allowed"),
		clipboard:  rapid.Bool().Draw(t, "clipboard"),
	}
}

func TestAGainIsNeverHidden(t *testing.T) {
	t.Parallel()
	crowd := people(300)
	rapid.Check(t, func(t *rapid.T) {
		k := kit{append(plainWords(), moreWords()...), append(decisions(), "ask"), settings(t)}
		o, w := k.draw(t), anyWorld(t)
		for range 5 {
			hidesNoGain(t, crowd, w, o.policy(), k.alter(t, o).policy())
		}
	})
}

func TestLaxerTermsAreNeverHidden(t *testing.T) {
	t.Parallel()
	crowd := people(30)
	rapid.Check(t, func(t *rapid.T) {
		all := settings(t)
		names := slices.Sorted(maps.Keys(all))
		o := outline{decision: "allow", lists: [3][]string{{"everyone"}}, settings: map[string]any{}}
		for _, name := range names {
			all[name] = append(all[name], nil)
			if name != "future" {
				o.settings[name] = rapid.SampledFrom(all[name]).Draw(t, name)
			}
		}
		w := anyWorld(t)
		for _, name := range names {
			for _, value := range all[name] {
				other := o.clone()
				other.settings[name] = value
				hidesNoGain(t, crowd, w, o.policy(), other.policy())
			}
		}
	})
}

// hidesNoGain fails the test if a change is said to let nobody in, but does.
func hidesNoGain(t *rapid.T, crowd []person, w world, before, after policy.Policy) {
	got := impact.Of(&before, &after)
	if got != narrows && got != neutral {
		return
	}
	b, a := policy.Canonical(before), policy.Canonical(after)
	for _, who := range crowd {
		if was, is := w.admit(b, who), w.admit(a, who); gains(was, is) {
			t.Fatalf("said that it %s, but in %+v\n%+v\ngot from %+v\nto %+v\nbefore %+v\nafter %+v", got, w, who, was, is, before, after)
		}
	}
}

func TestWhatIsKnownHidesNoLossEither(t *testing.T) {
	t.Parallel()
	crowd := people(100)
	rapid.Check(t, func(t *rapid.T) {
		k := kit{append(plainWords(), moreWords()...), decisions(), nil}
		o := k.draw(t)
		before, after := o.policy(), k.alter(t, o).policy()
		got := impact.Of(&before, &after)
		if got != widens && got != neutral {
			return
		}
		for _, who := range crowd {
			was, is := world{}.admit(policy.Canonical(before), who), world{}.admit(policy.Canonical(after), who)
			if gains(is, was) {
				t.Fatalf("said that it %s, but\n%+v\nlost from %+v\nto %+v\nbefore %+v\nafter %+v", got, who, was, is, before, after)
			}
		}
	})
}

func TestTheWayBackIsTheMirrorImage(t *testing.T) {
	t.Parallel()
	mirror := map[impact.Direction]impact.Direction{widens: narrows, narrows: widens, both: both, neutral: neutral}
	rapid.Check(t, func(t *rapid.T) {
		k := kit{plainWords(), decisions(), nil}
		o := k.draw(t)
		before, after := o.policy(), k.alter(t, o).policy()
		if there, back := impact.Of(&before, &after), impact.Of(&after, &before); back != mirror[there] {
			t.Fatalf("there it %s, back it %s\nbefore %+v\nafter %+v", there, back, before, after)
		}
	})
}

func TestTheSameMeaningIsNeutralAndCountsAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := kit{append(plainWords(), moreWords()...), append(decisions(), "ask"), settings(t)}
		o := k.draw(t)
		reordered := o.clone()
		for i, list := range reordered.lists {
			doubled := append(slices.Clone(list), list...)
			reordered.lists[i] = rapid.Permutation(doubled).Draw(t, "order")
		}
		before, same, after := o.policy(), reordered.policy(), k.alter(t, o).policy()
		same.Name = "another"
		if got := impact.Of(&before, &same); got != neutral {
			t.Fatalf("the same %s\nbefore %+v\nafter %+v", got, before, same)
		}
		if one, other := impact.Of(&before, &after), impact.Of(&same, &after); one != other {
			t.Fatalf("the same change %s and %s\nfrom %+v\nor %+v\nto %+v", one, other, before, same, after)
		}
	})
}

func TestOneRuleMoreMovesOneWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := kit{append(plainWords(), moreWords()...), decisions(), settings(t)}
		o := k.draw(t)
		list := rapid.IntRange(0, 2).Draw(t, "list")
		more := o.clone()
		more.lists[list] = append(more.lists[list], rapid.SampledFrom(k.words).Draw(t, "rule"))
		before, after := o.policy(), more.policy()
		want := narrows
		if (list == 0) != (o.decision == "deny") {
			want = widens
		}
		if got := impact.Of(&before, &after); got != want && got != neutral {
			t.Fatalf("%s, want %s or %s\nbefore %+v\nafter %+v", got, want, neutral, before, after)
		}
	})
}
