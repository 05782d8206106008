package state

import (
	"fmt"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// Listed is what a list tells of a record; its fields are those of
// policy.Recorded.
type Listed struct {
	Key         string
	ID          string
	Name        string // that was last sent, else read back
	Protect     bool
	Commit      string
	File        string
	Line        int
	UpdatedAt   time.Time
	AbsentSince time.Time
}

// Intent is a journal entry: a request that was about to leave and whose
// outcome isn't known. A target has at most one for each key.
type Intent struct {
	Target string
	Key    string
	Action string        // as in Change
	ID     string        // the account's id for the policy; empty for a create
	Body   policy.Policy // what the request sends; the zero Policy for a delete
	Run    string        // the ID of the Run it belongs to
	At     time.Time     // when it was noted

	// Answered: the server has ended its work on the request. It may have had
	// an effect, but has none later.
	Answered bool
}

// Run is one pass for one target.
type Run struct {
	ID       string // unique in the store
	Target   string
	Trigger  string         // startup, schedule, webhook, manual, retry
	Commit   string         // that was applied; empty for a local folder or when none was read
	Author   string         // of that commit, as name <email>; empty where Commit is
	Result   string         // success, noop, partial, failed, blocked; empty until it ends
	Error    string         // why it failed; empty otherwise
	Counts   map[string]int // how many policies or changes of which sort, as the run counted them; may be nil
	Phases   []Phase        // in their order, but for writing the run down; nil: not known
	Started  time.Time
	Finished time.Time // zero until it ends, and for ever if the process was killed
}

// Phase is a part of a run.
type Phase struct {
	Name   string // in the word that the metrics use
	Took   time.Duration
	Failed bool // and with it the run
}

// RunQuery says which runs are asked for. Its zero values ask for all of them.
type RunQuery struct {
	Target string    // required
	Since  time.Time // begun then or later
	Policy string    // with a change of the policy of that key or name
	Limit  int       // at most so many, the newest; 0 or less: no limit
}

// AuditEnd is the last line of the audit file; zero before the first.
type AuditEnd struct {
	Seq  int64  // its number
	Hash string // its hash
}

// Change is one step that a run took, or failed to take.
type Change struct {
	Run       string // the ID of the Run it belongs to
	Target    string
	Action    string // create, adopt, update, rename, delete, forget
	Key       string
	Name      string         // of the policy, for people
	ID        string         // the account's id for the policy; empty when it isn't known
	Direction string         // widens, narrows, both, neutral
	Result    string         // how it ended, in the word that the metrics use
	Error     string         // why it failed; empty otherwise
	Ray       string         // Cloudflare's cf-ray of the answer; empty when there was none
	Before    *policy.Policy // what the account had; nil: nothing, or not known
	After     *policy.Policy // what it was to have; nil: nothing
	At        time.Time      // when it ended
	Took      time.Duration
}

// Suspension is an operator's word that a target shall not run.
type Suspension struct {
	Target string
	Reason string // for people
	By     string // who said it, as visitor.Visitor has it; "": that isn't known
	Since  time.Time
	Until  time.Time // when it ends by itself; zero: never
}

// InForce reports whether the target is suspended at that time. The zero
// Suspension never is.
func (s Suspension) InForce(now time.Time) bool {
	return s.Target != "" && (s.Until.IsZero() || now.Before(s.Until))
}

// String says why, by whom, since when and until when, for people.
func (s Suspension) String() string {
	until := "until it is resumed"
	if !s.Until.IsZero() {
		until = "until " + s.Until.Local().Format(time.DateTime)
	}
	by := ""
	if s.By != "" {
		by = " by " + s.By
	}
	return fmt.Sprintf("suspended since %s%s, %s: %s", s.Since.Local().Format(time.DateTime), by, until, s.Reason)
}
