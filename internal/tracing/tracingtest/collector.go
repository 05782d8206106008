// Package tracingtest is a collector of traces for tests.
package tracingtest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	sent "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes traces over OTLP/HTTP, as OpenTelemetry's own does. A request
// that isn't one fails the test. It may be used concurrently.
type Collector struct {
	URL string // what goes into OTEL_EXPORTER_OTLP_ENDPOINT

	t   testing.TB
	mu  sync.Mutex
	got []*collect.ExportTraceServiceRequest
	raw bytes.Buffer
}

// New returns a collector that listens until the test ends.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{t: t}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// ServeHTTP takes a request.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	request := &collect.ExportTraceServiceRequest{}
	if err == nil {
		err = proto.Unmarshal(body, request)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Method != http.MethodPost {
		c.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, request)
	c.raw.Write(body)
	if err := r.Header.Write(&c.raw); err != nil {
		c.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Raw returns all bodies and headers of requests so far.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.raw.Bytes())
}

// Spans returns all spans so far; the test fails where they are of another
// service.
func (c *Collector) Spans(service string) []*sent.Span {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*sent.Span
	for _, request := range c.got {
		for _, from := range request.GetResourceSpans() {
			if who := attributes(from.GetResource().GetAttributes()); !strings.Contains(who, " service.name="+service+" ") {
				c.t.Errorf("sent by%s", who)
			}
			for _, scope := range from.GetScopeSpans() {
				all = append(all, scope.GetSpans()...)
			}
		}
	}
	return all
}

// Tree writes spans as a tree: children below their parents, in the order in
// which they begin, with their attributes, how long they took in whole seconds,
// and whether they ended badly.
func Tree(spans []*sent.Span) string {
	var b strings.Builder
	known := map[string]bool{}
	for _, s := range spans {
		known[string(s.GetSpanId())] = true
	}
	slices.SortStableFunc(spans, func(a, b *sent.Span) int {
		return cmp.Or(cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano()), cmp.Compare(a.GetName(), b.GetName()))
	})
	var below func(indent string, of *sent.Span)
	below = func(indent string, of *sent.Span) {
		fmt.Fprintf(&b, "%s%s%s%s\n", indent, of.GetName(), attributes(of.GetAttributes()), ending(of))
		for _, e := range of.GetEvents() {
			fmt.Fprintf(&b, "%s  * %s%s\n", indent, e.GetName(), attributes(e.GetAttributes()))
		}
		for _, s := range spans {
			if bytes.Equal(s.GetParentSpanId(), of.GetSpanId()) && bytes.Equal(s.GetTraceId(), of.GetTraceId()) {
				below(indent+"    ", s)
			}
		}
	}
	for _, s := range spans {
		if !known[string(s.GetParentSpanId())] {
			below("", s)
		}
	}
	return b.String()
}

// ending says how long a span took, and whether it ended badly.
func ending(s *sent.Span) string {
	text := fmt.Sprintf("%.0fs", float64(s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano())/1e9)
	if s.GetStatus().GetCode() == sent.Status_STATUS_CODE_ERROR {
		text += strings.TrimRight(", error "+s.GetStatus().GetMessage(), " ")
	}
	return "(" + text + ")"
}

func attributes(all []*common.KeyValue) string {
	texts := make([]string, len(all))
	for i, a := range all {
		value := a.GetValue().GetStringValue()
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_IntValue:
			value = fmt.Sprint(v.IntValue)
		case *common.AnyValue_DoubleValue:
			value = fmt.Sprint(v.DoubleValue)
		case *common.AnyValue_BoolValue:
			value = fmt.Sprint(v.BoolValue)
		}
		texts[i] = strings.TrimPrefix(a.GetKey(), "policysync.") + "=" + value + " "
	}
	slices.Sort(texts)
	return " " + strings.Join(texts, "")
}
