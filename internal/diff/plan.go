package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// State is how a policy stands.
type State string

// The states. Every policy of Git, record or account is in exactly one.
const (
	InSync    State = "in_sync"   // live is what Git says
	Missing   State = "missing"   // in Git, not live
	Drifted   State = "drifted"   // live was changed though Git was not
	Orphaned  State = "orphaned"  // ours and live, but gone from Git
	Conflict  State = "conflict"  // live policies bear its name and aren't ours
	Blocked   State = "blocked"   // Git asks for a change that mode or protection holds back
	Failed    State = "failed"    // the last change to it was refused or its outcome is unknown
	Unmanaged State = "unmanaged" // live, neither in Git nor recorded: never touched
)

// States returns all states.
func States() []State {
	return []State{InSync, Missing, Drifted, Orphaned, Conflict, Blocked, Failed, Unmanaged}
}

// Change is one step of a plan, or a step that a plan only reports.
type Change struct {
	Action    Action
	Key       string
	Name      string
	ID        string // the live policy's; empty for a create
	File      string // where Git declares it; empty when Git doesn't
	Line      int    // 0 when Git doesn't declare it
	Reason    string // why, in words
	Direction impact.Direction
	Fields    []FieldChange

	Heal     bool             // an update that neither Git nor an operator asked for: it puts the account back
	State    State            // how the policy stands until the step is done; empty where States doesn't count it
	Desired  *policy.Desired  // what Git says; nil for delete and forget
	Recorded *policy.Recorded // what was last applied; nil where nothing was
	Live     *policy.Live     // what the account has; nil for create and forget
	Before   *policy.Policy   // of Live, what Git or the account\'s users state: without what only the account itself added
}

// FieldChange is one difference within a policy. For a set, such as include,
// there is one for each element that comes (Before nil) or goes (After nil).
type FieldChange struct {
	Path   string `json:"path"`   // field names joined by dots
	Before any    `json:"before"` // canonical decoded JSON, or a policy.Rule; nil: not there
	After  any    `json:"after"`  // likewise
}

// Settled is a policy that needs no change though its record is behind,
// because Git and account have come to say the same.
type Settled struct {
	Desired  policy.Desired
	Recorded policy.Recorded // perhaps under an earlier key
	Live     policy.Live
}

// Lapse is a journal entry whose outcome is known now.
type Lapse struct {
	Key    string
	Action Action
	Done   bool // the request took effect; else it came to nothing
}

// Plan is what takes live to desired.
type Plan struct {
	Changes    []Change          // in the order in which to carry them out
	Reported   []Change          // what the mode leaves alone, in the same order
	Settled    []Settled         // by key
	Marked     []policy.Recorded // records of which only AbsentSince and Protect change, by key
	Lapsed     []Lapse           // what became of requests in Input.Pending, by key
	InUse      []string          // ids of the policies of Reported that would go if no application used them
	Awaited    int               // creates in Input.Pending that may still take effect, or are found but not settled: the next run comes soon
	Settles    time.Time         // when none of Awaited can take effect any more; zero where none is on its way
	Owned      int               // how many live policies are recorded as ours, or adopted to be changed
	NextExpiry time.Time         // when the first of the policies that Git declares expires; zero: none does
	Declared   int               // how many policies Git declares, without those expired
	States     map[State]int     // how many policies are in which state before the changes
}

// Stage is the part of a plan to which the change belongs; all changes of one
// stage end before the next begins. First come creates, then what lets nobody
// new in, then what may, then deletes.
func (c Change) Stage() int {
	switch {
	case c.Action == ActionCreate:
		return 0
	case c.Action == ActionDelete:
		return 3
	case c.Direction == impact.Widens || c.Direction == impact.Both:
		return 2
	default:
		return 1
	}
}

// Empty reports whether there is nothing to carry out.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// Count returns how many of the plan's changes are of that action.
func (p Plan) Count(a Action) int {
	n := 0
	for _, c := range p.Changes {
		if c.Action == a {
			n++
		}
	}
	return n
}

// Hash names the plan by what it does and from what: two plans share it only
// if they hold the same changes, with the same bodies before and after, of
// policies that nobody has written to in between. So a plan that was carried
// out doesn't come again. It is "sha256:" and a hex digest.
func (p Plan) Hash() string {
	type step struct {
		Action, Key, ID, Before, After string
		Updated                        time.Time
	}
	steps := make([]step, len(p.Changes))
	for i, c := range p.Changes {
		steps[i] = step{Action: string(c.Action), Key: c.Key, ID: c.ID}
		if c.Live != nil {
			steps[i].Before, steps[i].Updated = policy.Fingerprint(c.Live.Policy), c.Live.UpdatedAt
		}
		if c.Desired != nil {
			steps[i].After = policy.Fingerprint(c.Desired.Policy)
		}
	}
	text, err := json.Marshal(steps)
	if err != nil {
		text = []byte(err.Error())
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Hold returns the plan without the changes for which why gives a reason;
// these it reports instead, with the reason.
func (p Plan) Hold(why func(Change) string) Plan {
	held := p
	held.Changes, held.Reported = nil, slices.Clone(p.Reported)
	for _, c := range p.Changes {
		reason := why(c)
		if reason == "" {
			held.Changes = append(held.Changes, c)
			continue
		}
		c.Reason += "; held back by " + reason
		held.Reported = append(held.Reported, c)
	}
	return held
}
