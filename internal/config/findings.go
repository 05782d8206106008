package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/yamltree"
)

// findings gathers what is wrong with a config, and remembers where each of
// its fields was set, so that later checks can point there.
type findings struct {
	file    *yamltree.File // nil when there is none
	places  map[any]place  // by the field's address
	outside diagnostic.List
}

// place is where a field was set.
type place struct {
	yamltree.Position
	variable string // set when it wasn't the file, but a variable of the environment
	raw      string // as written, before ${ENV} is expanded
	refused  bool   // a finding about it has been reported
}

// withoutFile is the place of what no file says.
const withoutFile = "flags and environment"

func (f *findings) report(p place, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	switch {
	case p.variable != "":
		f.outside = append(f.outside, diagnostic.Diagnostic{Path: p.variable, Message: message})
	case f.file == nil:
		f.outside = append(f.outside, diagnostic.Diagnostic{Path: withoutFile, Message: message})
	default:
		f.file.Report(p.Position, "%s", message)
	}
}

// err returns what was found as an error. What several targets have from one
// place, by the environment or an alias, is said once.
func (f *findings) err() error {
	found := slices.Clone(f.outside)
	if f.file != nil {
		found = append(found, f.file.Findings()...)
	}
	for i := range found {
		found[i].Message = withoutCredentials(found[i].Message)
		found[i].Source = masked(found[i].Source)
	}
	found.Sort()
	return slices.Compact(found).Err()
}

// refuse reports what a field was set to: as it was written, because what a
// variable holds may be a secret.
func (f *findings) refuse(p place, key, wanted string) {
	f.report(p, "%s is %s: %s", key, yamltree.Quote(p.raw), wanted)
}

// of returns where a field was set; for one that nothing set but a flag or a
// default, its value stands for what was written.
func (f *findings) of(field any) place {
	if p, ok := f.places[field]; ok {
		return p
	}
	return place{raw: fmt.Sprint(reflect.ValueOf(field).Elem())}
}

// first returns where the first of the fields that was set at all was set.
func (f *findings) first(fields ...any) place {
	for _, field := range fields {
		if p, ok := f.places[field]; ok {
			return p
		}
	}
	return place{}
}

var (
	secretKey   = regexp.MustCompile(`(?i)((?:token|secret|password|passwd|key)["']?\s*:\s*)[^\s\[{].*`)
	credentials = regexp.MustCompile(`://[^\s"']*@`)
)

// masked hides in a line of the file what may be a secret that was written
// where none belongs: behind a key like api_token, and before the host of a
// URL.
func masked(line string) string {
	return secretKey.ReplaceAllString(withoutCredentials(line), "${1}"+secret.Redacted)
}

func withoutCredentials(text string) string {
	return credentials.ReplaceAllString(text, "://"+secret.Redacted+"@")
}
