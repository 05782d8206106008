package tracing

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// environment looks variables up.
type environment func(name string) (string, bool)

// get returns a variable's value; empty is the same as not set, as the
// specification has it.
func (e environment) get(name string) string {
	value, _ := e(name)
	return strings.TrimSpace(value)
}

// first returns the first of the variables that is set.
func (e environment) first(names ...string) (name, value string) {
	for _, name := range names {
		if value := e.get(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// What holds for traces goes before what holds for all signals.
func (e environment) endpoint() (name, value string) {
	return e.first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
}

func (e environment) headers() (name, value string) {
	return e.first("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
}

func (e environment) protocol() (name, value string) {
	return e.first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
}

// asks reports whether traces are wanted. The specification would have them
// wanted everywhere; here somebody has to say so.
func (e environment) asks() bool {
	exporter := e.get("OTEL_TRACES_EXPORTER")
	if strings.EqualFold(e.get("OTEL_SDK_DISABLED"), "true") || exporter == "none" {
		return false
	}
	_, endpoint := e.endpoint()
	return endpoint != "" || exporter != ""
}

// check returns why there can't be traces. It doesn't repeat what may be
// secret.
func (e environment) check() error {
	if exporter := e.get("OTEL_TRACES_EXPORTER"); exporter != "" && exporter != "otlp" {
		return noTraces(fmt.Errorf("OTEL_TRACES_EXPORTER is %q: policysync knows otlp and none", exporter))
	}
	if name, protocol := e.protocol(); protocol != "" && protocol != "http/protobuf" && protocol != "http/json" {
		return noTraces(fmt.Errorf("%s is %q: set it to http/protobuf, for which most collectors have port 4318", name, protocol))
	}
	if name, endpoint := e.endpoint(); endpoint != "" && !isAddress(endpoint) {
		return noTraces(fmt.Errorf("%s is no address such as http://localhost:4318: a login belongs into OTEL_EXPORTER_OTLP_HEADERS", name))
	}
	name, headers := e.headers()
	if _, err := values(headers); err != nil {
		return noTraces(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

func noTraces(err error) error { return fmt.Errorf("no traces are sent: %w", err) }

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// values returns the values of a list of headers, such as
// authorization=Bearer%20abc,tenant=security.
func values(headers string) ([]string, error) {
	if headers == "" {
		return nil, nil
	}
	var all []string
	for pair := range strings.SplitSeq(headers, ",") {
		name, escaped, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(escaped)
		if !found || strings.TrimSpace(name) == "" || err != nil {
			return nil, errors.New("it must be a list such as authorization=Bearer%20abc,tenant=security")
		}
		all = append(all, strings.TrimSpace(value))
	}
	return all, nil
}

// parent returns the span that this process is a part of, in the form in which
// the library wants it.
func (e environment) parent() propagation.MapCarrier {
	return propagation.MapCarrier{"traceparent": e.get("TRACEPARENT"), "tracestate": e.get("TRACESTATE")}
}
