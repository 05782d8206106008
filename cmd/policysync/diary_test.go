package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

func TestTheDiaryKeepsWhatHappensBesidesRuns(t *testing.T) {
	t.Parallel()
	var kept []string
	failure, failed := error(nil), error(nil)
	d := &diary{
		keep: func(notes []state.Note) error {
			for _, n := range notes {
				kept = append(kept, fmt.Sprint(n.At.Unix(), " ", n.Target, " ", n.What, " ", n.By, " ", n.Text))
			}
			return failure
		},
		failed: func(err error) { failed = err },
	}
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	for _, e := range []event.Event{
		event.Configured{At: at(1), Err: errors.New("no target is known yet")},
		event.Configured{At: at(2), Targets: []string{"a", "b"}, Added: []string{"a", "b"}},
		event.Suspended{Target: "a", Since: at(3), By: "ann", Reason: "incident 7"},
		event.Asked{Target: "b", At: at(4), By: "bob"},
		event.Resumed{Target: "a", At: at(5), By: "ann"},
		event.Resumed{Target: "a", At: at(6), Expired: true},
		event.RunDone{At: at(7)},
		event.Configured{At: at(8), Targets: []string{"a", "b", "c"}, Added: []string{"c"}, Changed: []string{"a"}},
		event.Configured{At: at(9), Err: errors.New("line 3")},
	} {
		d.Emit(e)
	}
	want := []string{
		"2 a started  ", "2 b started  ", "3 a suspended ann incident 7", "4 b asked bob ", "5 a resumed ann ", "6 a expired  ",
		"8 a changed  ", "8 c added  ", "9 a config_refused  line 3", "9 b config_refused  line 3", "9 c config_refused  line 3",
	}
	if diff := cmp.Diff(want, kept); diff != "" || failed != nil {
		t.Errorf("kept (-want +got):\n%s%v", diff, failed)
	}
	failure = errors.New("disk full")
	d.Emit(event.Asked{Target: "b"})
	if !errors.Is(failed, failure) {
		t.Errorf("told %v", failed)
	}
}
