// Package event says what happens in a run, as typed values. A run emits
// them; logs, metrics and progress are Sinks that take them. A new observer
// is a new Sink and touches nothing else.
package event

import (
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/guard"
)

// Trigger is why a run began.
type Trigger string

// The triggers.
const (
	Startup  Trigger = "startup"
	Schedule Trigger = "schedule"
	Webhook  Trigger = "webhook"
	Manual   Trigger = "manual"
	Retry    Trigger = "retry"
)

// Triggers returns all triggers.
func Triggers() []Trigger { return []Trigger{Startup, Schedule, Webhook, Manual, Retry} }

// Result is how a run ended.
type Result string

// The results of a run.
const (
	Success Result = "success" // everything to be done was done
	Noop    Result = "noop"    // there was nothing to do
	Partial Result = "partial" // some changes were refused, or their outcome is unknown
	Failed  Result = "failed"  // the run ended before its plan was carried out
	Blocked Result = "blocked" // a guard held changes back
)

// Results returns all results.
func Results() []Result { return []Result{Success, Noop, Partial, Failed, Blocked} }

// Outcome is how a change ended.
type Outcome string

// The outcomes of a change.
const (
	Applied Outcome = "success"
	Refused Outcome = "failed"  // it certainly had no effect
	Unknown Outcome = "unknown" // the answer was lost: the next run looks whether it had an effect
	Skipped Outcome = "skipped" // it was not begun
)

// Outcomes returns all outcomes.
func Outcomes() []Outcome { return []Outcome{Applied, Refused, Unknown, Skipped} }

// Phase is a part of a run.
type Phase string

// The phases, in their order.
const (
	Fetch  Phase = "fetch"
	Parse  Phase = "parse"
	List   Phase = "list"
	Plan   Phase = "plan"
	Guard  Phase = "guard"
	Apply  Phase = "apply"
	Record Phase = "record"
)

// Phases returns all phases, in their order.
func Phases() []Phase { return []Phase{Fetch, Parse, List, Plan, Guard, Apply, Record} }

// FetchResult is what asking the source gave.
type FetchResult string

// The results of a fetch.
const (
	Changed    FetchResult = "changed"
	Unchanged  FetchResult = "unchanged"
	FetchError FetchResult = "error"
)

// FetchResults returns all results of a fetch.
func FetchResults() []FetchResult { return []FetchResult{Changed, Unchanged, FetchError} }

// Refusal is why a request to the HTTP server wasn't let in.
type Refusal string

// The refusals.
const (
	WrongToken   Refusal = "wrong_token"   // it, or who signs in, showed another token than the API's
	BadAssertion Refusal = "bad_assertion" // Cloudflare Access didn't sign what it came with, or not for us, or not now
	NotOperator  Refusal = "not_operator"  // its sender may look and not act
	CrossOrigin  Refusal = "cross_origin"  // a page of another site had a browser send it
	NothingShown Refusal = "nothing_shown" // it came with nothing to know its sender by
	TooMany      Refusal = "too_many"      // its sender asks, or guesses, too often
	CannotTell   Refusal = "cannot_tell"   // the API's token, or the keys of Cloudflare Access, can't be read
)

// Refusals returns all refusals.
func Refusals() []Refusal {
	return []Refusal{WrongToken, BadAssertion, NotOperator, CrossOrigin, NothingShown, TooMany, CannotTell}
}

// Event is one of the types below.
type Event interface{ isEvent() }

// Scope says where an event happened. Commit is empty until it is known, and
// for a local folder.
type Scope struct{ Target, Run, Commit string }

// RunStarted is a run that begins.
type RunStarted struct {
	Scope
	Trigger Trigger
	At      time.Time
}

// SourceFetched is an answer of the source.
type SourceFetched struct {
	Scope
	Result  FetchResult
	Author  string // name <email> of the commit's author; empty for a local folder
	Subject string // first line of the commit's message; empty for a local folder
	Signer  string // who signed the commit, with what; empty where nobody has to
	Err     error  // with FetchError
}

// SourceRewound is a move of the source's branch that is no fast-forward.
type SourceRewound struct {
	Target   string
	From, To string // commits
	Refused  bool   // the run goes on without what is there now
	Unknown  error  // why it can't be told what the move is; nil: it is certain
}

// Warned is something that a person should look at though the run goes on.
type Warned struct {
	Scope
	Message string
}

// PhaseStarted is a phase that begins. Phases of a target don't overlap, and
// each ends with a PhaseDone.
type PhaseStarted struct {
	Scope
	Phase Phase
	At    time.Time
}

// PhaseDone is a phase that ended.
type PhaseDone struct {
	Scope
	Phase Phase
	Took  time.Duration
	Err   error // why it failed, and with it the run
}

// PlanMade is a plan about to be carried out.
type PlanMade struct {
	Scope
	Plan diff.Plan
}

// Progressed is a part of some long work that ended; the last one, where Done is
// Total.
type Progressed struct {
	Scope
	What        string // in the plural, such as lists
	Done, Total int
}

// Held is a guard that held changes of a plan back.
type Held struct {
	Scope
	Reason guard.Reason
	Err    error // says what was held and the way on
}

// ChangeDone is a change of the plan that ended.
type ChangeDone struct {
	Scope
	Change  diff.Change
	ID      string // the account's for the policy, that of one just created too; empty: not known
	Ray     string // Cloudflare's cf-ray of the answer; empty when there was none
	Outcome Outcome
	Err     error     // unless Applied
	At      time.Time // when it began
	Took    time.Duration
}

// RunDone is a run that ended.
type RunDone struct {
	Scope
	Trigger Trigger
	Result  Result
	Err     error              // with Failed and Partial
	Cut     bool               // with Failed: it was told to end before it carried out its plan, which says nothing of the target; it is neither counted nor kept
	States  map[diff.State]int // how the policies stand now; nil when that was not looked at
	At      time.Time
	Took    time.Duration
	ToLive  time.Duration // from the push, where a webhook told of it, or the commit seen to its last change live; 0 when this run brought nothing live
}

// RequestDone is a request to the account that ended.
type RequestDone struct {
	Target    string
	Operation string    // such as list or create
	PolicyID  string    // whom it is about; empty: not just one policy, or one to be created
	Code      string    // 2xx, 4xx, 429, 5xx or error
	Status    int       // of the answer; 0: there was none
	Ray       string    // Cloudflare's cf-ray of the answer; empty when there was none
	At        time.Time // when it was sent
	Took      time.Duration
}

// BudgetWaiting is a request that begins to wait for the account's rate limit.
// Those queued behind it wait, too, and are not told of.
type BudgetWaiting struct {
	Target string
	Wait   time.Duration // as far as can be told
}

// BudgetWaited is time that a request waited for the account's rate limit.
type BudgetWaited struct {
	Target string
	Waited time.Duration
}

// WebhookDone is a request to a webhook receiver that was answered. What is in
// it was told by the sender.
type WebhookDone struct {
	Provider  string // such as github
	Result    string // such as accepted
	Reason    string // why nobody was woken; empty where somebody was
	Delivery  string // the provider's name for it
	Ref       string // what was pushed to, if a target follows it
	Commit    string
	Pusher    string
	Woken     []string // targets
	Suspended []string // targets that would have been woken
}

// Suspended is a target that an operator keeps from running.
type Suspended struct {
	Target string
	Reason string
	By     string // "": that isn't known
	Since  time.Time
	Until  time.Time // zero: until it is resumed
}

// Resumed is a target that was suspended and runs again.
type Resumed struct {
	Target  string
	By      string // "": that isn't known, or nobody
	At      time.Time
	Expired bool // the suspension's time was over; else an operator ended it
}

// Asked is an operator's word that a target shall run now.
type Asked struct {
	Target string
	By     string // "": that isn't known
	At     time.Time
}

// Configured is a config that took effect, at the start or later, or that was
// refused.
type Configured struct {
	Err  error // why it was refused, so that the last one goes on; nil: it took effect
	At   time.Time
	File string // empty: flags and the environment stand in for it

	// What it says, with a nil Err.
	Targets   []string // all there are
	Receivers []string // of webhooks
	LogLevel  string   // such as info
	Console   bool     // logs are for people

	Added, Changed, Removed []string // targets, since the last one took effect; empty at the start
}

// TurnedAway is a request to the HTTP server that wasn't let in.
type TurnedAway struct {
	Reason Refusal
	Client string // where it came from: an address, or a network of IPv6
	By     string // whom it is known to come from; "": nobody known
	Said   string // what its sender was told: no secret
	Often  bool   // so many were refused of late that one more is no news
}

// Certified is a certificate of the HTTP server that took effect, at the start or
// later, or that was refused.
type Certified struct {
	Err error // why it was refused, so that the last one goes on; nil: it took effect

	// Of the certificate that is in force.
	Names []string
	Ends  time.Time
}

// Panicked is a request whose handler panicked: a mistake in policysync.
type Panicked struct {
	Route   string
	Problem string
	Stack   string // of the handler
}

// Complained is what the HTTP server has to say beside its answers.
type Complained struct {
	Message     string
	FromOutside bool // one who connected caused it, and may do so at will
}

func (RunStarted) isEvent()    {}
func (SourceFetched) isEvent() {}
func (SourceRewound) isEvent() {}
func (Warned) isEvent()        {}
func (PhaseStarted) isEvent()  {}
func (PhaseDone) isEvent()     {}
func (PlanMade) isEvent()      {}
func (Progressed) isEvent()    {}
func (Held) isEvent()          {}
func (ChangeDone) isEvent()    {}
func (RunDone) isEvent()       {}
func (RequestDone) isEvent()   {}
func (BudgetWaiting) isEvent() {}
func (BudgetWaited) isEvent()  {}
func (WebhookDone) isEvent()   {}
func (Suspended) isEvent()     {}
func (Resumed) isEvent()       {}
func (Asked) isEvent()         {}
func (Configured) isEvent()    {}
func (TurnedAway) isEvent()    {}
func (Certified) isEvent()     {}
func (Panicked) isEvent()      {}
func (Complained) isEvent()    {}

// Sink takes events. Emit must not block for long and may be called from
// several goroutines at once.
type Sink interface{ Emit(Event) }

// Sinks hands each event to every one of them, in order. Its zero value drops
// events.
type Sinks []Sink

// Emit hands the event on.
func (s Sinks) Emit(e Event) {
	for _, sink := range s {
		sink.Emit(e)
	}
}
