package main

import (
	"context"
	"time"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/tracing"
)

// handOverTimeout is how long the end of a command waits for a collector of traces.
const handOverTimeout = 3 * time.Second

// traces returns the sink that makes runs traces, if the environment asks for
// that, and what to call in the end. Warnings go to sink. What a command does
// for somebody who traces it, such as a CI job, inherits the trace.
func (a *app) traces(ctx context.Context, sink event.Sink, inherit bool) (traces event.Sink, end func()) {
	t := tracing.Open(ctx, tracing.Options{
		Version: version(), Env: a.env, Inherit: inherit,
		Warn: func(err error) { sink.Emit(event.Warned{Message: err.Error()}) },
	})
	return t, func() {
		ending, done := context.WithTimeout(context.WithoutCancel(ctx), handOverTimeout)
		defer done()
		t.Close(ending)
	}
}
