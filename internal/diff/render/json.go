package render

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/impact"
)

// FormatVersion is the version of the JSON form. It grows when a field is
// taken away or changes its meaning, not when one is added.
const FormatVersion = "1"

type jsonPlan struct {
	FormatVersion string         `json:"format_version"`
	Target        string         `json:"target"`
	Commit        string         `json:"commit"`
	PlanHash      string         `json:"plan_hash"`
	Changes       []jsonChange   `json:"changes"`
	Reported      []jsonChange   `json:"reported"`
	Summary       map[string]int `json:"summary"`
}

type jsonChange struct {
	Action    diff.Action        `json:"action"`
	Key       string             `json:"key"`
	Name      string             `json:"name"`
	ID        string             `json:"id"`
	File      string             `json:"file"`
	Line      int                `json:"line"`
	Reason    string             `json:"reason"`
	Direction impact.Direction   `json:"direction"`
	Fields    []diff.FieldChange `json:"fields"`
}

// JSON writes the plan as one line of JSON.
func JSON(w io.Writer, d Document) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(jsonPlan{
		FormatVersion: FormatVersion, Target: d.Target, Commit: d.Commit, PlanHash: d.Plan.Hash(),
		Changes: jsonChanges(d.Plan.Changes), Reported: jsonChanges(d.Plan.Reported), Summary: summary(d.Plan),
	})
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

func jsonChanges(changes []diff.Change) []jsonChange {
	all := make([]jsonChange, len(changes))
	for i, c := range changes {
		all[i] = jsonChange{
			Action: c.Action, Key: c.Key, Name: c.Name, ID: c.ID, File: c.File, Line: c.Line,
			Reason: c.Reason, Direction: c.Direction, Fields: append([]diff.FieldChange{}, c.Fields...), // an empty list, not null
		}
	}
	return all
}

// summary counts the changes by action and the policies by their state before
// them. What is to be adopted is as Git says, but not in sync before it is ours.
func summary(p diff.Plan) map[string]int {
	counts := map[string]int{}
	for _, a := range diff.Actions() {
		counts[string(a)] = p.Count(a)
	}
	for _, s := range []diff.State{diff.InSync, diff.Drifted, diff.Orphaned, diff.Conflict, diff.Unmanaged} {
		counts[string(s)] = p.States[s]
	}
	counts[string(diff.InSync)] = standing(p, diff.InSync)
	return counts
}
