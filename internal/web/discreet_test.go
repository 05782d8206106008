package web_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/visitor"
	"github.com/policysync/policysync/internal/web"
)

func TestJSONIsPassedOnAsTheVisitorMaySeeIt(t *testing.T) {
	t.Parallel()
	answer := map[string]any{
		"error": "create \"Ann\\\"\n<o'brien+x@example.com>: \u2028 refused", "ann@example.com": []any{"@every 1m", 1.0, nil, true, "@"},
		"quoted": map[string]any{`x`: `"a b"@example.com`}, "link": "mailto:ann%40example.com",
	}
	hidden := map[string]any{
		"error": "create \"Ann\\\"\n<***@example.com>: \u2028 refused", "***@example.com": []any{"@every 1m", 1.0, nil, true, "@"},
		"quoted": map[string]any{`x`: `***@example.com`}, "link": "mailto:***%40example.com",
	}
	for _, tc := range []struct {
		to   visitor.Visitor
		want map[string]any
	}{{visitor.Visitor{Addresses: true}, answer}, {visitor.Visitor{Name: "somebody"}, hidden}} {
		w := httptest.NewRecorder()
		if err := json.NewEncoder(web.Discreet(w, tc.to)).Encode(answer); err != nil {
			t.Fatal(err)
		}
		if !tc.to.Addresses && strings.Contains(w.Body.String(), "brien") {
			t.Errorf("an address is shown: %s", w.Body)
		}
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("to %+v (-want +got):\n%s", tc.to, d)
		}
	}
}
