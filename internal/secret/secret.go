// Package secret holds values that must never be seen: every way of printing
// one gives [redacted], and only Reveal gives the value itself.
package secret

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Redacted is what every printed form of a Value shows.
const Redacted = "[redacted]"

// Value is a secret held in memory. Its zero value is the empty secret.
// A Value is immutable and safe for concurrent use.
//
// The text hides behind a function because package fmt prints the unexported
// fields of a struct by reflection, without asking their String methods; of a
// function it can print only the address.
type Value struct{ reveal func() string }

// New wraps a text as a secret.
func New(text string) Value { return Value{reveal: func() string { return text }} }

// Reveal returns the secret itself. Call it only where the secret leaves for
// the server it belongs to.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// IsZero reports whether the secret is empty.
func (v Value) IsZero() bool { return v.Reveal() == "" }

// String returns [redacted].
func (v Value) String() string { return Redacted }

// GoString returns [redacted].
func (v Value) GoString() string { return Redacted }

// MarshalText returns [redacted]; JSON, YAML and log encoders use it.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// ErrNotSet says that a Source names no place where a secret was found.
var ErrNotSet = errors.New("no secret is set")

// Source names the places where a secret is kept: a file, or else an
// environment variable. Nothing is kept of what was read, so a rotated secret
// is picked up at the next Read, without a restart.
type Source struct {
	File string // path of a file with the secret; one trailing line break is dropped
	Env  string // name of an environment variable, asked when File is empty
}

// IsZero reports whether the source names no place at all.
func (s Source) IsZero() bool { return s == Source{} }

// Read returns the secret as it is now. An unreadable or empty file is an
// error; where nothing is set the error wraps ErrNotSet and names the places
// looked at. It is safe for concurrent use.
func (s Source) Read() (Value, error) {
	if s.File != "" {
		text, err := os.ReadFile(s.File)
		if err != nil {
			return Value{}, fmt.Errorf("read secret: %w", err)
		}
		trimmed := strings.TrimRight(string(text), "\r\n")
		if trimmed == "" {
			return Value{}, fmt.Errorf("read secret: file %s is empty: write the secret into it", s.File)
		}
		return New(trimmed), nil
	}
	if s.Env != "" {
		if text := os.Getenv(s.Env); text != "" {
			return New(text), nil
		}
		return Value{}, fmt.Errorf("%w: set the environment variable %s, or name a file", ErrNotSet, s.Env)
	}
	return Value{}, ErrNotSet
}
