package tracing

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"golang.org/x/time/rate"
)

// How often somebody is told that traces are lost: at first, and from then on.
const (
	firstWarnings = 3
	nextWarning   = 10 * time.Minute
)

// longest is how much is told of a complaint: a collector may answer with a
// whole page.
const longest = 300

// complaints are what the library has to say, as a logr.LogSink too.
type complaints struct {
	secrets *strings.Replacer
	warn    func(error)
}

// collect has the library complain here, and not on stderr.
func (c complaints) collect() {
	often := &rate.Sometimes{First: firstWarnings, Interval: nextWarning}
	warn := c.warn
	c.warn = func(err error) {
		often.Do(func() { warn(errors.New(c.plain("OpenTelemetry: " + err.Error()))) })
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(c.warn))
	otel.SetLogger(logr.New(c))
}

// plain returns a text in one line, without secrets, and not too long.
func (c complaints) plain(text string) string {
	line := strings.Join(strings.Fields(c.secrets.Replace(text)), " ")
	if len(line) > longest {
		line = strings.ToValidUTF8(line[:longest], "") + "…"
	}
	return line
}

// redactor returns what takes the values of headers out of texts, and what
// follows a scheme in them, such as Bearer.
func (e environment) redactor() *strings.Replacer {
	var pairs []string
	_, headers := e.headers()
	all, _ := values(headers) // check has looked at it
	for _, value := range all {
		words := strings.Fields(value)
		for _, secret := range append([]string{value}, words[min(1, len(words)):]...) {
			if secret != "" {
				pairs = append(pairs, secret, "[redacted]")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// Init does nothing.
func (complaints) Init(logr.RuntimeInfo) {}

// Enabled reports that only errors are wanted.
func (complaints) Enabled(int) bool { return false }

// Info does nothing.
func (complaints) Info(int, string, ...any) {}

// Error passes an error on, without the values that belong to it: they may be
// secret.
func (c complaints) Error(err error, doing string, _ ...any) {
	c.warn(fmt.Errorf("%s: %w", doing, err))
}

// WithValues drops the values.
func (c complaints) WithValues(...any) logr.LogSink { return c }

// WithName drops the name.
func (c complaints) WithName(string) logr.LogSink { return c }
