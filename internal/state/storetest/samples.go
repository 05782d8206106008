package storetest

import (
	"encoding/json"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

const (
	target = "production"
	run    = "run-1"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC)

func body(name string) policy.Policy {
	return policy.Policy{
		Name: name, Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}}},
		Settings: map[string]any{
			"session_duration": "24h",
			"approval_groups":  []any{map[string]any{"approvals_needed": json.Number("1.50")}},
		},
	}
}

func record(key, id string) policy.Recorded {
	return policy.Recorded{
		Key: key, ID: id, Sent: body(key), ReadBack: body(key), Written: true, Protect: true,
		Commit: "0123456789abcdef", File: "policies/" + key + ".yaml", Line: 7,
		CreatedAt: noon, UpdatedAt: noon.Add(time.Hour), AbsentSince: noon.Add(2 * time.Hour), Heals: 2,
	}
}

func intent(key string) state.Intent {
	return state.Intent{Target: target, Key: key, Action: "create", ID: "id", Body: body(key), Run: run, At: noon}
}

func change(key, result string) state.Change {
	after := body(key)
	return state.Change{
		Run: run, Target: target, Action: "create", Key: key, Name: "Policy " + key, ID: "id of " + key,
		Direction: "widens", Result: result, Error: "refused: \"no\"", Ray: "8f0a-AMS",
		After: &after, At: noon.Add(time.Minute), Took: 1234567 * time.Nanosecond,
	}
}

func startedRun(id string) state.Run {
	return state.Run{ID: id, Target: target, Trigger: "schedule", Started: noon}
}
