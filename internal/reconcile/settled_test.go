package reconcile_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// values are two of each type, and three where one may be written otherwise.
var values = map[policy.Type][]any{
	policy.Text: {"some text", "Other: text #2"}, policy.Bool: {true, false}, policy.Number: {json.Number("0"), json.Number("42")},
	policy.Duration: {"24h", "1440m", "90m"}, policy.Email: {"a@example.com", "A@Example.com", "b@example.com"},
	policy.Domain: {"example.com", "Example.com", "example.net"}, policy.CIDR: {"192.0.2.1", "192.0.2.1/32", "2001:db8::/32"},
	policy.Country: {"US", "us", "PT"}, policy.URL: {"https://example.com/a", "https://example.com/b"},
	policy.ID: {"699d98642c564d2e855e9661899b7252", "023e105f4ecef8ad9ca31a8372d0c353"},
}

// drawValue draws the value of a field as decoded JSON.
func drawValue(t *rapid.T, f policy.Field) any {
	if f.Many {
		one, least := f, 0
		one.Many = false
		if f.Required {
			least = 1
		}
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return drawValue(t, one) }), least, 3).Draw(t, f.Name)
	}
	switch {
	case f.Type == policy.Object:
		return drawObject(t, f.Fields)
	case f.Enum != nil:
		return rapid.SampledFrom(f.Enum).Draw(t, f.Name)
	default:
		return rapid.SampledFrom(values[f.Type]).Draw(t, f.Name)
	}
}

// drawObject draws an object of some of the fields, and all that it must have.
func drawObject(t *rapid.T, fields []policy.Field) map[string]any {
	object := map[string]any{}
	for _, f := range fields {
		if f.Type == policy.Rules {
			object[f.Name] = drawRules(t, f)
		} else if f.Required || rapid.Bool().Draw(t, "with "+f.Name) {
			object[f.Name] = drawValue(t, f)
		}
	}
	return object
}

func drawRules(t *rapid.T, f policy.Field) []any {
	rules, least := []any{}, 0
	if f.Required {
		least = 1
	}
	for range rapid.IntRange(least, 4).Draw(t, f.Name) {
		kind := rapid.SampledFrom(policy.Kinds()).Draw(t, "kind")
		rules = append(rules, map[string]any{kind.Name: drawObject(t, kind.Fields)})
	}
	return rules
}

// TestWhatWasAppliedIsNoDifference brings any policy live, then changes it to
// any other, in an account with any habits.
func TestWhatWasAppliedIsNoDifference(t *testing.T) {
	t.Parallel()
	flag := rapid.Bool()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, simulator.Options{Quirks: simulator.Quirks{
			DefaultDuration: flag.Draw(rt, "default duration"), NullDuration: flag.Draw(rt, "null duration"),
			EmptyRules: flag.Draw(rt, "empty rules"), KeepOmitted: flag.Draw(rt, "keep omitted"), FoldCase: flag.Draw(rt, "fold case"),
		}}).inMode(diff.Upsert, diff.DriftReport)
		defer w.stop()
		for i := range 3 {
			body := drawObject(rt, policy.Fields())
			body["policysync"] = map[string]any{"key": "one"}
			text, err := json.Marshal(body)
			if err != nil {
				rt.Fatal(err)
			}
			w.git.commit(fstest.MapFS{"a.yaml": {Data: text}})
			if done := w.Run(t.Context(), event.Schedule); done.Err != nil {
				rt.Fatalf("step %d, %s: %v", i, text, done.Err)
			}
			if err := w.unsettled(); err != nil {
				rt.Fatalf("step %d, %s: %v", i, text, err)
			}
		}
	})
}

// unsettled returns what is left to do for the one policy.
func (w *world) unsettled() error {
	planned, err := w.Plan(w.t.Context())
	if err != nil {
		return err
	}
	if p := planned.Plan; !p.Empty() || len(p.Reported) > 0 || p.States[diff.InSync] != 1 {
		return fmt.Errorf("the plan is %+v", p)
	}
	return nil
}
