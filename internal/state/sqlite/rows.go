package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Each kind of row has its columns, and a function that returns the places in
// an entry to which they belong, in the same order: what a row is scanned into
// and what is bound to write one.

const (
	recordColumns = `key, id, sent, read_back, written, protect, "commit", file, line, created_at, updated_at, absent_since, heals`
	listedColumns = `key, id, coalesce(nullif(json_extract(sent, '$.name'), ''), json_extract(read_back, '$.name'), ''), protect, "commit", file, line, updated_at, absent_since`
	intentColumns = `target, key, action, id, body, run, at, answered`
	runColumns    = `id, target, trigger, "commit", author, result, error, counts, phases, started, finished`
	changeColumns = `run, target, action, key, name, id, direction, result, error, ray, before, after, at, took_ns`
	// outcomeColumns are changeColumns without bodies.
	outcomeColumns = `run, target, action, key, name, id, direction, result, error, ray, NULL, NULL, at, took_ns`

	noteColumns       = `target, at, what, by, text`
	suspensionColumns = `target, reason, since, until, by`
)

// recordPlaces has what is scanned share what rules have in common, by pool.
func recordPlaces(r *policy.Recorded, pool *policy.Pool) []any {
	return []any{
		&r.Key, &r.ID,
		body{&r.Sent, pool},
		readBack{r, pool},
		&r.Written, &r.Protect, &r.Commit, &r.File, &r.Line,
		instant{&r.CreatedAt},
		instant{&r.UpdatedAt},
		ending{&r.AbsentSince},
		&r.Heals,
	}
}

func listedPlaces(l *state.Listed) []any {
	return []any{&l.Key, &l.ID, &l.Name, &l.Protect, &l.Commit, &l.File, &l.Line, instant{&l.UpdatedAt}, ending{&l.AbsentSince}}
}

func intentPlaces(i *state.Intent) []any {
	return []any{&i.Target, &i.Key, &i.Action, &i.ID, body{&i.Body, nil}, &i.Run, instant{&i.At}, &i.Answered}
}

func runPlaces(r *state.Run) []any {
	return []any{
		&r.ID, &r.Target, &r.Trigger, &r.Commit, &r.Author, &r.Result, &r.Error,
		counts{&r.Counts},
		phases{&r.Phases},
		instant{&r.Started},
		ending{&r.Finished},
	}
}

func changePlaces(c *state.Change) []any {
	return []any{
		&c.Run, &c.Target, &c.Action, &c.Key, &c.Name, &c.ID, &c.Direction, &c.Result, &c.Error, &c.Ray,
		optionalBody{&c.Before},
		optionalBody{&c.After},
		instant{&c.At},
		&c.Took,
	}
}

func suspensionPlaces(s *state.Suspension) []any {
	return []any{&s.Target, &s.Reason, instant{&s.Since}, ending{&s.Until}, &s.By}
}

func notePlaces(n *state.Note) []any {
	return []any{&n.Target, instant{&n.At}, &n.What, &n.By, &n.Text}
}

// timeFormat is RFC 3339 in UTC of one width, so that texts sort as times.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

// instant is a time as text.
type instant struct{ *time.Time }

// Value returns what the column holds (driver.Valuer).
func (i instant) Value() (driver.Value, error) { return i.UTC().Format(timeFormat), nil }

// Scan takes what the column holds (sql.Scanner).
func (i instant) Scan(from any) error {
	text, err := scanText(from)
	if err != nil {
		return err
	}
	t, err := time.Parse(timeFormat, text)
	if err != nil {
		return fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	*i.Time = t
	return nil
}

// ending is a time as text, NULL for the zero time.
type ending struct{ *time.Time }

// Value returns what the column holds (driver.Valuer).
func (e ending) Value() (driver.Value, error) {
	if e.IsZero() {
		return nil, nil
	}
	return instant(e).Value()
}

// Scan takes what the column holds (sql.Scanner).
func (e ending) Scan(from any) error {
	if from == nil {
		*e.Time = time.Time{}
		return nil
	}
	return instant(e).Scan(from)
}

// body is a policy as JSON. The zero Policy is {}, which decodes to it; left
// to itself it would come back with an empty include.
type body struct {
	*policy.Policy
	pool *policy.Pool // nil: shares nothing
}

// Value returns what the column holds (driver.Valuer).
func (b body) Value() (driver.Value, error) {
	if reflect.ValueOf(*b.Policy).IsZero() {
		return "{}", nil
	}
	text, err := json.Marshal(b.Policy)
	return string(text), err
}

// Scan takes what the column holds (sql.Scanner).
func (b body) Scan(from any) error {
	text, err := scanText(from)
	if err != nil {
		return err
	}
	if err := b.pool.Unmarshal([]byte(text), b.Policy); err != nil {
		return fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	return nil
}

// optionalBody is a policy as JSON, NULL for nil.
type optionalBody struct{ to **policy.Policy }

// Value returns what the column holds (driver.Valuer).
func (o optionalBody) Value() (driver.Value, error) {
	if *o.to == nil {
		return nil, nil
	}
	return body{*o.to, nil}.Value()
}

// Scan takes what the column holds (sql.Scanner).
func (o optionalBody) Scan(from any) error {
	if from == nil {
		*o.to = nil
		return nil
	}
	*o.to = new(policy.Policy)
	return body{*o.to, nil}.Scan(from)
}

// readBack is what the account answered, NULL when that is the same text as
// what was sent: then it is neither stored nor decoded twice.
type readBack struct {
	*policy.Recorded
	pool *policy.Pool
}

// Value returns what the column holds (driver.Valuer).
func (r readBack) Value() (driver.Value, error) {
	sent, err := body{&r.Sent, nil}.Value()
	if err != nil {
		return nil, err
	}
	answered, err := body{&r.ReadBack, nil}.Value()
	if err != nil || answered == sent {
		return nil, err
	}
	return answered, nil
}

// Scan takes what the column holds (sql.Scanner).
func (r readBack) Scan(from any) error {
	if from == nil {
		r.ReadBack = r.Sent
		return nil
	}
	return body{&r.ReadBack, r.pool}.Scan(from)
}

// counts is a map as a JSON object, nil when it is empty.
type counts struct{ to *map[string]int }

// Value returns what the column holds (driver.Valuer).
func (c counts) Value() (driver.Value, error) {
	if len(*c.to) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(*c.to)
	return string(text), err
}

// Scan takes what the column holds (sql.Scanner).
func (c counts) Scan(from any) error {
	text, err := scanText(from)
	if err != nil || text == "{}" {
		return err
	}
	if err := json.Unmarshal([]byte(text), c.to); err != nil {
		return fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	return nil
}

// phases are parts of a run as a JSON array, nil when it is empty.
type phases struct{ to *[]state.Phase }

// phase is how a part of a run is stored.
type phase struct {
	Name   string `json:"name"`
	TookNS int64  `json:"took_ns"`
	Failed bool   `json:"failed,omitzero"`
}

// Value returns what the column holds (driver.Valuer).
func (p phases) Value() (driver.Value, error) {
	all := make([]phase, len(*p.to))
	for i, one := range *p.to {
		all[i] = phase{one.Name, one.Took.Nanoseconds(), one.Failed}
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// Scan takes what the column holds (sql.Scanner).
func (p phases) Scan(from any) error {
	text, err := scanText(from)
	if err != nil || text == "[]" {
		return err
	}
	var all []phase
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	for _, one := range all {
		*p.to = append(*p.to, state.Phase{Name: one.Name, Took: time.Duration(one.TookNS), Failed: one.Failed})
	}
	return nil
}

// scanText returns the text that the driver read.
func scanText(from any) (string, error) {
	text, ok := from.(string)
	if !ok {
		return "", fmt.Errorf("%w: %T where a text belongs", state.ErrCorrupt, from)
	}
	return text, nil
}
