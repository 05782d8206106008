package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/source"
)

// lostSince returns since when Git can't be used, given how the fetch of this
// run ended.
func (p *pass) lostSince(fetchErr error) time.Time {
	switch {
	case fetchErr == nil:
		return time.Time{}
	case p.lost.IsZero():
		return p.began
	default:
		return p.lost
	}
}

// withoutGit is what a run does that couldn't read Git, or refused what is there:
// the last good commit stays desired, so that drift is seen and counted. But who
// can't read the source writes nothing, neither to the account nor to the records. The run has
// failed and is tried again.
func (p *pass) withoutGit(ctx context.Context, fetchErr error) {
	if ctx.Err() != nil || p.lately(p.listed) || p.lately(p.looked) {
		return
	}
	last := p.Source.Last(ctx)
	if last == nil {
		return
	}
	since, because := "Git can't be read since", "Git, which can't be read"
	if errors.Is(fetchErr, source.ErrRefused) {
		since, because = "Git has no commit that may be used since", "Git, whose commit is refused"
	}
	p.scope.Commit, p.author = last.Commit, last.Author
	p.Sink.Emit(event.Warned{Scope: p.scope, Message: fmt.Sprintf(
		"%s %s: the account is compared with commit %s, the last one read, and nothing is written to it",
		since, p.lost.UTC().Format(time.RFC3339), last.Commit)})
	planned, err := p.compute(ctx, p.scope, last, p.trigger)
	if p.fail(err) {
		return
	}
	p.looked = p.began
	plan := planned.Plan.Hold(func(diff.Change) string { return because })
	p.Sink.Emit(event.PlanMade{Scope: p.scope, Plan: plan})
	p.done.States = plan.States
}
