package reconcile

import (
	"context"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
)

// TakeOver is a run that carries out such a plan as diff.TakeOver makes: it
// writes to the records and to nothing else.
func (r *Reconciler) TakeOver(ctx context.Context, plan diff.Plan) event.RunDone {
	p := r.begin(event.Manual)
	if err := p.Runs.StartRun(ctx, p.record()); err != nil {
		p.fail(&PhaseError{event.Record, err})
		return p.end()
	}
	p.Sink.Emit(event.PlanMade{Scope: p.scope, Plan: plan})
	p.apply(ctx, Planned{Plan: plan, Listed: p.began}, nil)
	p.finish(ctx)
	return p.end()
}
