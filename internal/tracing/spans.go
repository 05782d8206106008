package tracing

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/policysync/policysync/internal/event"
)

// run is a run under way. Runs of a target don't overlap, so that events that
// name only a target belong to its one.
type run struct {
	trace.Span

	phase   trace.Span // nil between phases
	awaited bool       // a webhook began it, and which one is yet to be told
}

// inner returns the innermost span that is under way for all of the run.
func (r *run) inner() trace.Span {
	if r.phase != nil {
		return r.phase
	}
	return r.Span
}

// Emit makes an event a span, or a part of one. What is secret, e-mail
// addresses, the bodies of policies and the texts of errors, which may quote
// them, are never in it.
func (t *Traces) Emit(e event.Event) {
	if t.provider == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := e.(type) {
	case event.RunStarted:
		t.runStarted(e)
	case event.RunDone:
		t.runDone(e)
	case event.PhaseStarted:
		t.phaseStarted(e)
	case event.PhaseDone:
		t.phaseDone(e)
	case event.RequestDone:
		t.requestDone(e)
	case event.ChangeDone:
		t.changeDone(e)
	case event.WebhookDone:
		t.webhookDone(e)
	default:
		t.note(e)
	}
}

func (t *Traces) runStarted(e event.RunStarted) {
	r := &run{
		Span: t.start(nil, "run", trace.WithTimestamp(e.At), trace.WithAttributes(
			text("target", e.Target), text("run", e.Run), text("trigger", string(e.Trigger)))),
		awaited: e.Trigger == event.Webhook,
	}
	t.runs[e.Target] = r
	if arrival, ok := t.arrivals[e.Target]; ok {
		delete(t.arrivals, e.Target)
		r.wokenBy(arrival)
	}
}

func (t *Traces) runDone(e event.RunDone) {
	r := t.runs[e.Target]
	if r == nil {
		return
	}
	delete(t.runs, e.Target)
	r.SetAttributes(given(text("commit", e.Commit), text("result", string(e.Result)))...)
	for state, n := range e.States {
		r.SetAttributes(attribute.Int("policysync.policies."+string(state), n))
	}
	if e.Result == event.Failed || e.Result == event.Partial {
		r.SetStatus(codes.Error, string(e.Result))
	}
	r.End(trace.WithTimestamp(e.At))
}

// phaseStarted begins a phase. One that belongs to no run is of a plan that
// somebody asked for, which has no beginning nor end of its own.
func (t *Traces) phaseStarted(e event.PhaseStarted) {
	r := t.runs[e.Target]
	if r == nil {
		r = &run{Span: t.start(nil, "plan", trace.WithTimestamp(e.At), trace.WithAttributes(text("target", e.Target)))}
		t.runs[e.Target] = r
	}
	r.phase = t.start(r.Span, string(e.Phase), trace.WithTimestamp(e.At))
}

func (t *Traces) phaseDone(e event.PhaseDone) {
	r := t.runs[e.Target]
	if r == nil || r.phase == nil {
		return
	}
	if e.Err != nil {
		r.phase.SetStatus(codes.Error, "")
	}
	r.phase.End()
	r.phase = nil
	if e.Run == "" && (e.Phase == event.Plan || e.Err != nil) {
		delete(t.runs, e.Target)
		r.SetAttributes(given(text("commit", e.Commit))...)
		r.End()
	}
}

func (t *Traces) requestDone(e event.RequestDone) {
	r := t.runs[e.Target]
	if r == nil {
		return
	}
	span := t.start(r.inner(), "cloudflare "+e.Operation, trace.WithTimestamp(e.At),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(given(
			text("policy.id", e.PolicyID), text("ray", e.Ray))...))
	if e.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", e.Status))
	}
	if e.Code != "2xx" {
		span.SetAttributes(attribute.String("error.type", e.Code))
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(e.At.Add(e.Took)))
}

func (t *Traces) changeDone(e event.ChangeDone) {
	r := t.runs[e.Target]
	if r == nil || e.Outcome == event.Skipped {
		return
	}
	span := t.start(r.inner(), "change "+string(e.Change.Action), trace.WithTimestamp(e.At), trace.WithAttributes(given(
		text("policy.key", e.Change.Key), text("policy.id", e.ID), text("direction", string(e.Change.Direction)),
		text("result", string(e.Outcome)), text("ray", e.Ray))...))
	if e.Outcome != event.Applied {
		span.SetStatus(codes.Error, string(e.Outcome))
	}
	span.End(trace.WithTimestamp(e.At.Add(e.Took)))
}

// webhookDone notes what woke targets. The delivery is told of when it has been
// answered; by then the run that it began may be under way.
func (t *Traces) webhookDone(e event.WebhookDone) {
	for _, target := range e.Woken {
		if r := t.runs[target]; r != nil && r.awaited {
			r.wokenBy(e)
		} else {
			t.arrivals[target] = e
		}
	}
}

func (r *run) wokenBy(e event.WebhookDone) {
	r.awaited = false
	r.SetAttributes(given(text("webhook.provider", e.Provider), text("webhook.delivery", e.Delivery))...)
}

// note adds to spans what is no span of its own.
func (t *Traces) note(e event.Event) {
	switch e := e.(type) {
	case event.SourceFetched:
		t.of(e.Target).SetAttributes(text("fetched", string(e.Result)))
	case event.SourceRewound:
		t.of(e.Target).AddEvent("rewound", trace.WithAttributes(
			text("from", e.From), text("to", e.To), attribute.Bool("policysync.refused", e.Refused)))
	case event.PlanMade:
		t.of(e.Target).SetAttributes(attribute.Int("policysync.changes", len(e.Plan.Changes)), attribute.Int("policysync.reported", len(e.Plan.Reported)))
	case event.Held:
		t.of(e.Target).AddEvent("held back", trace.WithAttributes(text("reason", string(e.Reason))))
	case event.BudgetWaited:
		t.of(e.Target).inner().AddEvent("waited for the rate limit", trace.WithAttributes(
			attribute.Float64("policysync.seconds", e.Waited.Seconds())))
	default:
	}
}

// of returns the run of a target; where there is none, one that nobody sees.
func (t *Traces) of(target string) *run {
	if r := t.runs[target]; r != nil {
		return r
	}
	return &run{Span: noop.Span{}}
}

func text(name, value string) attribute.KeyValue {
	return attribute.String("policysync."+name, value)
}

// given returns the attributes that say something.
func given(all ...attribute.KeyValue) []attribute.KeyValue {
	var some []attribute.KeyValue
	for _, a := range all {
		if a.Value.AsString() != "" {
			some = append(some, a)
		}
	}
	return some
}
