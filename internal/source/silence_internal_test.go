package source

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// slowly gives one byte after each pause.
type slowly struct{ pause time.Duration }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return copy(p, "x"), nil
}

// A large repository on a slow line must arrive however long it takes. Only
// inside the package can the clock be synctest's, because real connections
// don't stand still with it.
func TestSilenceEndsASilentConversationButNotASlowOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, watch := watchSilence(t.Context(), time.Minute)
		defer watch.stop()
		if _, err := io.CopyN(io.Discard, watch.heard(slowly{59 * time.Second}), 100); err != nil || ctx.Err() != nil {
			t.Fatalf("a slow stream was cut off: %v, %v", err, context.Cause(ctx))
		}
		watch.sound()
		time.Sleep(time.Minute - 1)
		if ctx.Err() != nil {
			t.Error("cut off before the limit")
		}
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
			t.Errorf("cause %v", cause)
		}
	})
}
