package event_test

import (
	"fmt"

	"github.com/policysync/policysync/internal/event"
)

// printer is a Sink that prints how runs end.
type printer struct{ name string }

func (p printer) Emit(e event.Event) {
	if done, ok := e.(event.RunDone); ok {
		fmt.Println(p.name, done.Target, done.Result)
	}
}

func ExampleSinks() {
	sinks := event.Sinks{printer{"log"}, printer{"metrics"}}
	scope := event.Scope{Target: "production"}
	sinks.Emit(event.RunStarted{Scope: scope, Trigger: event.Startup})
	sinks.Emit(event.RunDone{Scope: scope, Result: event.Noop})
	// Output:
	// log production noop
	// metrics production noop
}
