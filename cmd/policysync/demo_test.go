package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/policysync/policysync/internal/event"
)

func TestTheEndOfTheDemoIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, over := range []bool{false, true} {
		var out bytes.Buffer
		n := &narrator{console: newConsole(&out), over: func() bool { return over }}
		n.Emit(event.RunDone{Result: event.Failed, Err: errors.New("fetch: interrupted")})
		if told := out.String() == "failed: fetch: interrupted\n"; told == over {
			t.Errorf("over: %t, and it says %q", over, out.String())
		}
	}
}
