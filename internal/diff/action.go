package diff

// Action is what a change does.
type Action string

// The actions.
const (
	ActionCreate Action = "create" // make the policy in the account
	ActionAdopt  Action = "adopt"  // record a live policy as ours; the account isn't written to
	ActionUpdate Action = "update" // replace the live policy's body
	ActionRename Action = "rename" // replace the live policy's body, its name too; the id stays
	ActionDelete Action = "delete" // remove the live policy
	ActionForget Action = "forget" // drop the record of a policy that is gone from Git and account
)

// traits are all that is said of an action elsewhere.
type traits struct {
	action      Action
	done        string
	mark        string
	recordsOnly bool
}

var actions = []traits{
	{ActionCreate, "created", "+", false},
	{ActionAdopt, "adopted", "=", true},
	{ActionUpdate, "updated", "~", false},
	{ActionRename, "renamed", "~", false},
	{ActionDelete, "deleted", "-", false},
	{ActionForget, "forgotten", "x", true},
}

// Actions returns all actions.
func Actions() []Action {
	all := make([]Action, len(actions))
	for i, t := range actions {
		all[i] = t.action
	}
	return all
}

func (a Action) traits() traits {
	for _, t := range actions {
		if t.action == a {
			return t
		}
	}
	return traits{}
}

// Done says that such a change is made: "created".
func (a Action) Done() string { return a.traits().done }

// Mark is the sign that begins the line of such a change, as Terraform's users
// know it.
func (a Action) Mark() string { return a.traits().mark }

// RecordsOnly reports whether such a change concerns our own records alone: the
// account isn't written to.
func (a Action) RecordsOnly() bool { return a.traits().recordsOnly }
