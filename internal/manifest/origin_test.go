package manifest_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/manifest"
)

func TestOriginsSayWhereRulesAndFieldsStand(t *testing.T) {
	t.Parallel()
	set, err := manifest.Decode(fstest.MapFS{"team/a.yaml": {Data: []byte(`# first
---
name: A
decision: allow
include:
  - email: {email: [ann@example.com, bob@example.com]}
  - everyone: {}
  - &office {ip: {ip: 192.0.2.0/24}}
require: [geo: {country_code: US}, *office]
session_duration: 1h
policysync:
  key: a
`)}})
	if err != nil {
		t.Fatal(err)
	}
	at := func(line, col int) manifest.Place { return manifest.Place{File: "team/a.yaml", Line: line, Col: col} }
	want := []*manifest.Origin{{
		Include: []manifest.Place{at(6, 21), at(6, 38), at(7, 5), at(8, 5)},
		Require: []manifest.Place{at(9, 11), at(9, 36)},
		Fields: []manifest.FieldPlace{
			{Name: "name", Place: at(3, 1)},
			{Name: "decision", Place: at(4, 1)},
			{Name: "include", Place: at(5, 1)},
			{Name: "require", Place: at(9, 1)},
			{Name: "session_duration", Place: at(10, 1)},
			{Name: "policysync", Place: at(11, 1)},
		},
	}}
	if d := cmp.Diff(want, set.Origins); d != "" {
		t.Errorf("origins (-want +got):\n%s", d)
	}
	if p, found := set.Origins[0].Field("session_duration"); !found || p != at(10, 1) {
		t.Errorf("session_duration is at %v, %t", p, found)
	}
	if p, found := set.Origins[0].Field("exclude"); found {
		t.Errorf("exclude, which isn't there, is at %v", p)
	}
}
