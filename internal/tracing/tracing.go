// Package tracing tells OpenTelemetry of runs, their phases and their
// requests.
package tracing

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/policysync/policysync/internal/event"
)

// Options say how runs are traced. All but Inherit are required.
type Options struct {
	Version string                           // of policysync
	Env     func(name string) (string, bool) // the environment
	Inherit bool                             // runs belong to the trace that TRACEPARENT and TRACESTATE name, if they do

	// Warn is told why nothing is traced though the environment asks for it,
	// and that traces are lost: the first times, and then every ten minutes.
	// It is called concurrently.
	Warn func(error)
}

// Traces is an event.Sink that makes each run a trace. Where the environment
// doesn't ask for traces it drops events. It may be used from several
// goroutines.
type Traces struct {
	provider *sdk.TracerProvider // nil: nothing is traced
	exporter *otlptrace.Exporter
	start    starter

	mu       sync.Mutex
	runs     map[string]*run              // those under way, by target
	arrivals map[string]event.WebhookDone // what woke targets whose runs haven't begun, by target
}

// starter starts a span below another one; nil: below none of ours.
type starter func(above trace.Span, name string, options ...trace.SpanStartOption) trace.Span

// Open returns traces that go to the collector that OpenTelemetry's variables
// name (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
// Those that say whether to trace, and where to, are taken from o.Env; the library
// reads the others from the process's environment itself.
//
// The library tells of mistakes in variables, and of traces that are lost, by
// two globals alone, which Open sets: call it once.
func Open(ctx context.Context, o Options) *Traces {
	env := environment(o.Env)
	if !env.asks() {
		return &Traces{}
	}
	if err := env.check(); err != nil {
		o.Warn(err)
		return &Traces{}
	}
	complaints{env.redactor(), o.Warn}.collect()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		o.Warn(noTraces(err))
		return &Traces{}
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(self(ctx, o)))
	if o.Inherit {
		ctx = propagation.TraceContext{}.Extract(ctx, env.parent())
	}
	tracer := provider.Tracer("github.com/policysync/policysync", trace.WithInstrumentationVersion(o.Version))
	return &Traces{
		provider: provider, exporter: exporter, runs: map[string]*run{}, arrivals: map[string]event.WebhookDone{},
		start: func(above trace.Span, name string, options ...trace.SpanStartOption) trace.Span {
			at := ctx
			if above != nil {
				at = trace.ContextWithSpan(ctx, above)
			}
			_, span := tracer.Start(at, name, options...)
			return span
		},
	}
}

// self says who tells of runs. Variables overrule it.
func self(ctx context.Context, o Options) *resource.Resource {
	who, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "policysync"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv())
	if err != nil {
		o.Warn(fmt.Errorf("traces may not say all of who sends them: %w: look at OTEL_RESOURCE_ATTRIBUTES", err))
	}
	return who
}

// Close hands over the spans that have ended. What can't be handed over before
// ctx ends is lost. Nothing is traced any more.
func (t *Traces) Close(ctx context.Context) {
	if t.provider == nil {
		return
	}
	giveUp := context.AfterFunc(ctx, func() { _ = t.exporter.Shutdown(context.WithoutCancel(ctx)) })
	defer giveUp()
	_ = t.provider.Shutdown(context.WithoutCancel(ctx)) // complaints were told of what is lost
}
