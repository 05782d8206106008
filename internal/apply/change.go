package apply

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// fresh is how old a list may be for what it says of a policy to be believed
// when that policy is about to be overwritten.
const fresh = 5 * time.Second

// step is a change under way.
type step struct {
	*execution

	id  string // the account's for the policy, once it is known
	ray string // the cf-ray of the last answer to a request that writes
}

// carryOut makes one change.
func (x *step) carryOut(ctx context.Context, c diff.Change) (event.Outcome, error) {
	switch c.Action {
	case diff.ActionCreate:
		return x.send(ctx, c, time.Time{}, func(leave func() error) (policy.Live, error) {
			return x.Account.Create(ctx, c.Desired.Policy, leave)
		})
	case diff.ActionUpdate, diff.ActionRename:
		return x.update(ctx, c)
	case diff.ActionDelete:
		return x.remove(ctx, c)
	case diff.ActionAdopt:
		return x.settle(ctx, c, *c.Live)
	case diff.ActionForget:
		return x.forget(ctx, c)
	}
	return event.Refused, fmt.Errorf("%s %s: not an action that this version can carry out", c.Action, c.Name)
}

// update replaces a policy, unless somebody has changed it since the account
// was listed. Cloudflare's API has no conditional update, so that between the
// look and the update there is still a moment in which an edit can be lost.
func (x *step) update(ctx context.Context, c diff.Change) (event.Outcome, error) {
	return x.watched(ctx, c, x.listed, func(leave func() error) (policy.Live, error) {
		return x.Account.Update(ctx, c.ID, c.Desired.Replacement(*c.Before), leave)
	})
}

// remove deletes a policy, after another look at it: it may have come into use,
// or somebody may have changed it.
func (x *step) remove(ctx context.Context, c diff.Change) (event.Outcome, error) {
	return x.watched(ctx, c, time.Time{}, func(leave func() error) (policy.Live, error) {
		return policy.Live{}, x.Account.Delete(ctx, c.ID, leave)
	})
}

// maxLooks is how often a policy is looked at anew for a request that has to
// wait again and again.
const maxLooks = 3

// watched changes a policy that was last looked at at that time. Where the
// request then has to wait, be it for the budget or after a 429, it looks anew:
// one request at a time, lest the looks use up what the requests wait for.
func (x *step) watched(ctx context.Context, c diff.Change, looked time.Time, request request) (event.Outcome, error) {
	outcome, err := x.lookAndSend(ctx, c, looked, request)
	if !errors.Is(err, errOutdated) {
		return outcome, err
	}
	x.anew <- struct{}{}
	defer func() { <-x.anew }()
	for looks := 0; looks < maxLooks && errors.Is(err, errOutdated); looks++ {
		outcome, err = x.lookAndSend(ctx, c, time.Time{}, request)
	}
	return outcome, err
}

// lookAndSend changes a policy, unless it isn't any more as it was listed. It
// looks at it first if the last look is too long ago.
func (x *step) lookAndSend(ctx context.Context, c diff.Change, looked time.Time, request request) (event.Outcome, error) {
	if time.Since(looked) >= fresh {
		now, err := x.Account.Get(ctx, c.ID)
		if c.Action == diff.ActionDelete && isGone(err) {
			return x.forget(ctx, c)
		}
		if err == nil {
			err = x.unmoved(ctx, c, now)
		}
		if err != nil {
			return event.Refused, wrap(c, err)
		}
		looked = time.Now()
	}
	return x.send(ctx, c, looked.Add(fresh), request)
}

// inUse returns an error that names the applications that use a policy.
func (x *execution) inUse(ctx context.Context, id string) error {
	all, err := x.Account.Users(ctx)
	users := all[id]
	if err != nil || len(users) == 0 {
		return errors.Join(errors.New("applications use it: take it off them first"), err)
	}
	return fmt.Errorf("used by %s: take it off them first", policy.AppNames(users))
}

// unmoved returns an error if a policy is no longer as it was listed, or is to
// be deleted and in use.
func (x *execution) unmoved(ctx context.Context, c diff.Change, now policy.Live) error {
	if c.Action == diff.ActionDelete && now.AppCount > 0 {
		return x.inUse(ctx, c.ID)
	}
	if !now.UpdatedAt.Equal(c.Live.UpdatedAt) || !policy.Equal(now.Policy, c.Live.Policy) {
		return errors.New("somebody has changed the policy since it was listed: the next run plans anew")
	}
	return nil
}

// wrap says which change an error is about.
func wrap(c diff.Change, err error) error {
	if c.File == "" {
		return fmt.Errorf("%s %q: %w", c.Action, c.Name, err)
	}
	return fmt.Errorf("%s %q (%s:%d): %w", c.Action, c.Name, c.File, c.Line, err)
}

// isGone reports whether the account says that the policy isn't there.
func isGone(err error) bool {
	answer, ok := errors.AsType[*cloudflare.Error](err)
	return ok && answer.NotFound()
}

// request asks the account for a change. It calls leave whenever the request
// is about to leave, which it may only where that returns nil.
type request func(leave func() error) (policy.Live, error)

var (
	// errAgain is why a request that the account refused for now had no effect.
	errAgain = errors.New("the account took no more requests for now")

	// errOutdated is why a request didn't leave that had waited for long.
	errOutdated = errors.New("it had to wait for so long that somebody may have changed the policy: the next run looks again")
)

// send makes a change by a request, which may leave until that time; the zero
// time sets no bound. What follows its journal entry is recorded though ctx has
// ended meanwhile. The entry is made when the request leaves: it may wait long
// before that, and its entry tells until when it may take effect.
func (x *step) send(ctx context.Context, c diff.Change, until time.Time, request request) (event.Outcome, error) {
	var noted bool
	var failed error // of the journal
	live, err := request(func() error {
		if noted {
			failed = x.Journal.Abandon(ctx, x.changed(c, event.Refused, errAgain))
			noted = failed != nil
		}
		if failed == nil && !until.IsZero() && !time.Now().Before(until) {
			return errOutdated
		}
		if failed == nil {
			failed = x.Journal.Intend(ctx, x.intent(c))
			noted = true
		}
		return failed
	})
	ctx = context.WithoutCancel(ctx)
	switch {
	case failed != nil:
		return event.Refused, x.halt(wrap(c, failed))
	case c.Action == diff.ActionDelete && (err == nil || isGone(err)):
		return x.forget(ctx, c)
	case err == nil:
		return x.settle(ctx, c, live)
	case !noted:
		return event.Refused, wrap(c, err)
	default:
		return x.fail(ctx, c, err)
	}
}

// intent returns the journal entry of a change whose request leaves now.
func (x *execution) intent(c diff.Change) state.Intent {
	intent := state.Intent{
		Target: x.scope.Target, Key: c.Key, Action: string(c.Action), ID: c.ID, Run: x.scope.Run, At: time.Now(),
	}
	if c.Desired != nil {
		intent.Body = c.Desired.Policy
	}
	return intent
}

// fail records that a request failed, and whether it may have had an effect.
func (x *step) fail(ctx context.Context, c diff.Change, err error) (event.Outcome, error) {
	answer, known := errors.AsType[*cloudflare.Error](err)
	outcome, note := event.Unknown, func(ctx context.Context, change state.Change) error {
		return x.Journal.Doubt(ctx, change, known && answer.Answered())
	}
	if known && !answer.Ambiguous {
		outcome, note = event.Refused, x.Journal.Abandon
	}
	if known && c.Action == diff.ActionDelete && answer.Status == http.StatusConflict {
		err = errors.Join(err, x.inUse(ctx, c.ID))
	}
	err = wrap(c, err)
	if noted := note(ctx, x.changed(c, outcome, err)); noted != nil {
		return event.Unknown, x.halt(errors.Join(err, noted))
	}
	if known && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden) {
		return outcome, x.halt(err)
	}
	return outcome, err
}

// forget records that the policy is no more.
func (x *step) forget(ctx context.Context, c diff.Change) (event.Outcome, error) {
	err := x.Journal.Forget(ctx, x.changed(c, event.Applied, nil))
	if err == nil {
		return event.Applied, nil
	}
	if c.Action == diff.ActionDelete {
		return event.Unknown, x.halt(wrap(c, err))
	}
	return event.Refused, x.halt(wrap(c, err))
}

// settle records that the change took effect and what the account made of it.
func (x *step) settle(ctx context.Context, c diff.Change, live policy.Live) (event.Outcome, error) {
	x.id = live.ID
	done := x.changed(c, event.Applied, nil)
	record := x.record(*c.Desired, live)
	record.Written, record.CreatedAt = c.Action != diff.ActionAdopt, record.UpdatedAt
	if c.Recorded != nil && c.Recorded.ID == live.ID {
		record.CreatedAt = c.Recorded.CreatedAt
	}
	if c.Heal {
		record.Heals = c.Recorded.Heals + 1
	}
	if c.Action != diff.ActionAdopt && record.Sent.Name == "" {
		x.Sink.Emit(event.Warned{Scope: x.scope, Message: fmt.Sprintf(
			"the account made of %q (%s) something else than was sent: compare them with `policysync plan`", c.Name, live.ID)})
	}
	if err := x.Journal.Settle(ctx, record, done); err != nil {
		return event.Unknown, x.halt(wrap(c, fmt.Errorf("record %s: %w", live.ID, err)))
	}
	return event.Applied, nil
}

// record returns what to remember of a policy: what Git says counts as sent
// only where the account has it so.
func (x *execution) record(d policy.Desired, live policy.Live) policy.Recorded {
	r := policy.Recorded{
		Key: d.Key, ID: live.ID, ReadBack: live.Policy, Protect: d.Protect,
		Commit: x.scope.Commit, File: d.File, Line: d.Line, UpdatedAt: time.Now(),
	}
	if policy.Fulfils(live.Policy, d.Policy) {
		r.Sent = d.Policy
	}
	return r
}

// changed returns the change as history keeps it.
func (x *step) changed(c diff.Change, outcome event.Outcome, err error) state.Change {
	done := state.Change{
		Run: x.scope.Run, Target: x.scope.Target, Action: string(c.Action), Key: c.Key, Name: c.Name, ID: x.id,
		Direction: string(c.Direction), Result: string(outcome), Ray: x.ray, At: time.Now(),
	}
	if c.Live != nil {
		done.Before = &c.Live.Policy
	}
	if c.Desired != nil {
		done.After = &c.Desired.Policy
	}
	if err != nil {
		done.Error = err.Error()
	}
	return done
}

// lapsed returns what history keeps of an earlier request whose outcome is
// known now.
func (x *execution) lapsed(l diff.Lapse) state.Change {
	c := state.Change{
		Run: x.scope.Run, Target: x.scope.Target, Key: l.Key, Action: string(l.Action),
		Result: string(event.Applied), At: time.Now(),
	}
	if !l.Done {
		c.Result, c.Error = string(event.Refused), "an earlier request came to nothing"
	}
	return c
}
