package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Decision is what Access does with a user who matches a policy.
type Decision string

// The decisions of Cloudflare's schema (access_decision).
const (
	Allow       Decision = "allow"
	Deny        Decision = "deny"
	NonIdentity Decision = "non_identity" // the dashboard's "Service Auth"
	Bypass      Decision = "bypass"
)

// Policy is a policy's request body. Its JSON form is the API's own; what
// this version doesn't know of it, fields or rule kinds, survives decoding
// and encoding unchanged. A Policy is a value: nothing here alters one.
type Policy struct {
	Name     string
	Decision Decision
	Include  []Rule // a user needs to meet one of them
	Exclude  []Rule // a user must meet none of them
	Require  []Rule // a user must meet all of them

	// Settings holds every other field under the API's own name, as decoded
	// JSON: bool, string, json.Number, []any, map[string]any.
	Settings map[string]any
}

// Rule is one condition of a policy: a kind and that kind's body. An object
// that isn't of the form {kind: body} has Kind "" and is its own Body.
type Rule struct {
	Kind string
	Body any // decoded JSON; a map[string]any for every kind known today
}

// Desired is a policy as Git declares it.
type Desired struct {
	Policy
	Key        string    // stable identity within the target
	Previously []string  // earlier names
	Protect    bool      // never update or delete, only report
	Expires    time.Time // midnight UTC that begins the last day it is wanted; zero: no end
	File       string    // slash-separated path below the source's folder
	Line       int       // where its document begins, from 1
}

// End returns the time from which the policy counts as absent from Git: the end,
// in UTC, of the day that Expires names; zero: it doesn't expire.
func (d Desired) End() time.Time {
	if d.Expires.IsZero() {
		return time.Time{}
	}
	return d.Expires.AddDate(0, 0, 1)
}

// ExpiredAt reports whether the policy counts as absent from Git at that time.
func (d Desired) ExpiredAt(now time.Time) bool {
	return !d.Expires.IsZero() && !now.Before(d.End())
}

// Recorded is a policy as it was last applied.
type Recorded struct {
	Key       string
	ID        string    // the account's id for it
	Sent      Policy    // what Git said when it was written; the zero Policy when adopted with another body
	ReadBack  Policy    // what the account then answered
	Written   bool      // ReadBack answered a write of ours; else the policy was adopted as it was
	Protect   bool      // as Git last said, so that it outlives the manifest
	Commit    string    // the commit that Sent came from; empty for a local folder
	File      string    // where Sent stood; empty when no manifest has declared it yet
	Line      int       // where Sent stood
	CreatedAt time.Time // when the policy became ours
	UpdatedAt time.Time // when this record last changed

	// AbsentSince is when a complete read of Git first showed it without the
	// policy; zero while Git declares it.
	AbsentSince time.Time

	// Heals is how often in a row the account was put back to what Git says
	// because somebody had changed it, Git being the same and no operator asking.
	Heals int
}

// Undeclared reports whether the policy was taken over as it was in the account
// (by `policysync export`) and no manifest has declared it since: Protect then
// holds until one does.
func (r Recorded) Undeclared() bool { return r.Protect && r.File == "" }

// Live is a policy as the account holds it now.
type Live struct {
	Policy
	ID        string
	AppCount  int       // applications that use it
	Legacy    bool      // belongs to one application and can't be managed here
	CreatedAt time.Time // zero when the account didn't say
	UpdatedAt time.Time // zero when the account didn't say
}

// MarshalJSON returns the API's request body. Exclude and Require are left
// out when nil.
func (p Policy) MarshalJSON() ([]byte, error) {
	body := make(map[string]any, len(p.Settings)+5)
	maps.Copy(body, p.Settings)
	body["name"], body["decision"], body["include"] = p.Name, p.Decision, p.Include
	if p.Include == nil {
		body["include"] = []Rule{}
	}
	if p.Exclude != nil {
		body["exclude"] = p.Exclude
	}
	if p.Require != nil {
		body["require"] = p.Require
	}
	return json.Marshal(body)
}

// UnmarshalJSON takes a body of the API, of a request or an answer. What it
// doesn't know goes to Settings.
func (p *Policy) UnmarshalJSON(text []byte) error {
	object, err := decodeObject(text)
	if err != nil {
		return err
	}
	return object.policy(p)
}

// Replacement returns the body that replaces live by p, whether or not the
// account resets the fields that an update leaves out, which Cloudflare's
// documents don't say: what live has and p hasn't is named with its empty
// value.
func (p Policy) Replacement(live Policy) Policy {
	p.Exclude, p.Require = append([]Rule{}, p.Exclude...), append([]Rule{}, p.Require...)
	settings := map[string]any{}
	for _, f := range fields {
		if _, there := live.Settings[f.Name]; there {
			settings[f.Name] = f.empty()
		}
	}
	maps.Copy(settings, p.Settings)
	p.Settings = settings
	return p
}

// Known returns the policy without the settings that this version doesn't know,
// and that a manifest therefore can't hold.
func (p Policy) Known() Policy {
	settings := map[string]any{}
	for _, f := range fields {
		if value, there := p.Settings[f.Name]; there {
			settings[f.Name] = value
		}
	}
	if p.Settings = settings; len(settings) == 0 {
		p.Settings = nil
	}
	return p
}

// MarshalJSON returns {kind: body}.
func (r Rule) MarshalJSON() ([]byte, error) {
	if r.Kind == "" {
		return json.Marshal(r.Body)
	}
	return json.Marshal(map[string]any{r.Kind: r.Body})
}

// UnmarshalJSON takes any JSON value; see Rule for those that aren't rules.
func (r *Rule) UnmarshalJSON(text []byte) error {
	value, err := decodeExact(text)
	if err != nil {
		return fmt.Errorf("decode rule: %w", err)
	}
	*r = ruleOf(value)
	return nil
}

func ruleOf(value any) Rule {
	if object, ok := value.(map[string]any); ok && len(object) == 1 {
		for kind, body := range object {
			if kind != "" { // which stands for no kind at all
				return Rule{kind, body}
			}
		}
	}
	return Rule{Body: value}
}

// UnmarshalJSON takes a policy of an answer of the API: the body and the
// fields that only the account sets.
func (l *Live) UnmarshalJSON(text []byte) error {
	object, err := decodeObject(text)
	if err != nil {
		return err
	}
	return object.live(l)
}

// DecodeList takes a list of policies of an answer of the API. It is
// json.Unmarshal into a []Live, without reading each policy's text again.
func DecodeList(text []byte) ([]Live, error) {
	value, err := decodeExact(text)
	objects, isList := value.([]any)
	if err != nil || value == nil {
		return nil, err
	}
	if !isList {
		return nil, fmt.Errorf("decode policies: %s is no list of them", shape(value))
	}
	var pool Pool
	list := make([]Live, len(objects))
	for i, value := range objects {
		object, err := asObject(value)
		if err == nil {
			err = object.live(&list[i])
		}
		if err != nil {
			return nil, err
		}
		pool.share(&list[i].Policy)
	}
	return list, nil
}

// object is a JSON object that is being taken apart.
type object struct {
	fields map[string]any
	err    error // the first field that isn't what it should be
}

func decodeObject(text []byte) (*object, error) {
	value, err := decodeExact(text)
	if err != nil {
		return nil, fmt.Errorf("decode policy: %w", err)
	}
	return asObject(value)
}

// asObject returns the object that decoded JSON is; null is one without fields.
func asObject(value any) (*object, error) {
	fields, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, fmt.Errorf("decode policy: %s is none", shape(value))
	}
	return &object{fields: fields}, nil
}

// policy takes the fields of a body, and what is left as settings.
func (o *object) policy(p *Policy) error {
	taken := Policy{
		Name: take[string](o, "name"), Decision: Decision(take[string](o, "decision")),
		Include: o.rules("include"), Exclude: o.rules("exclude"), Require: o.rules("require"),
	}
	if o.err != nil {
		return fmt.Errorf("decode policy: %w", o.err)
	}
	if len(o.fields) > 0 {
		taken.Settings = o.fields
	}
	*p = taken
	return nil
}

// live takes the fields of a policy of an answer.
func (o *object) live(l *Live) error {
	var live Live
	live.ID = take[string](o, "id")
	reusable, stated := o.fields["reusable"]
	live.Legacy = stated && reusable != nil && !take[bool](o, "reusable")
	live.AppCount = o.count("app_count")
	live.CreatedAt, live.UpdatedAt = o.time("created_at"), o.time("updated_at")
	delete(o.fields, "reusable")
	if err := o.policy(&live.Policy); err != nil {
		return err
	}
	live.Settings = maps.Clone(live.Settings) // without the room that the rest took up
	*l = live
	return nil
}

// take removes a field from the object and returns it; one that is missing or
// null is the zero value.
func take[T any](o *object, name string) T {
	value := o.fields[name]
	delete(o.fields, name)
	taken, ok := value.(T)
	if !ok && value != nil && o.err == nil {
		o.err = fmt.Errorf("%s is %s, not %s", name, shape(value), shape(taken))
	}
	return taken
}

// shape names what a JSON value is.
func shape(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "a truth value"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

func (o *object) rules(name string) []Rule {
	list := take[[]any](o, name)
	if list == nil {
		return nil
	}
	rules := make([]Rule, len(list))
	for i, value := range list {
		rules[i] = ruleOf(value)
	}
	return rules
}

func (o *object) count(name string) int {
	number := cmp.Or(take[json.Number](o, name), "0")
	n, err := number.Int64()
	o.err = cmp.Or(o.err, err)
	return int(n)
}

func (o *object) time(name string) time.Time {
	text := take[string](o, name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	o.err = cmp.Or(o.err, err)
	return at
}

// decodeExact decodes JSON and keeps numbers as they are written. (To decode
// into anything but an any takes json half as long again.)
func decodeExact(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}
