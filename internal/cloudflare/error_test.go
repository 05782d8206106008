package cloudflare_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

var update = flag.Bool("update", false, "write the golden files")

// TestErrorTexts fixes what a person reads. Each line must say what was being
// done, what came, and what to do next.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	says := func(code int, message string) string {
		return fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":%q}],"messages":[],"result":null}`, code, message)
	}
	tests := []struct {
		op     cloudflare.Operation
		status int
		body   string
	}{
		{cloudflare.OpList, 401, says(10000, "Authentication error")},
		{cloudflare.OpList, 403, says(9109, "Unauthorized to access requested resource")},
		{cloudflare.OpList, 404, says(7003, "No route for the URI")},
		{cloudflare.OpList, 404, "404 page not found"},
		{cloudflare.OpList, 400, says(9999, "access.api.error.not_enabled")},
		{cloudflare.OpList, 301, ""},
		{cloudflare.OpList, 200, `{"success":true,"result":[],"result_info":null}`},
		{cloudflare.OpGet, 404, says(12083, "policy_not_found")},
		{cloudflare.OpCreate, 400, `{"success":false,"errors":[{"code":12130,"message":"access.api.error.invalid_request: invalid 'include' configuration","documentation_url":"https://example.com/doc","source":{"pointer":"/include/0"}},{"code":1,"message":"and more"}]}`},
		{cloudflare.OpCreate, 403, says(10000, "Authentication error")},
		{cloudflare.OpCreate, 409, says(11010, "conflict")},
		{cloudflare.OpCreate, 429, says(971, "Please wait and consider throttling your request speed")},
		{cloudflare.OpCreate, 500, says(10001, "Internal server error")},
		{cloudflare.OpCreate, 502, "<!DOCTYPE html>\n<title>example.com | 502: Bad gateway</title>\n<h1>Bad   gateway</h1>"},
		{cloudflare.OpCreate, 200, `{"success":false,"errors":[],"result":null}`},
		{cloudflare.OpCreate, 201, `{"success":true,"result":{"id":"f1`},
		{cloudflare.OpUpdate, 422, `{"success":false,"errors":[{"code":1,"message":"line one\nline two\u0000\u001b[31m"}]}`},
		{cloudflare.OpUpdate, 408, says(1, "timeout")},
		{cloudflare.OpDelete, 409, says(12130, "policy is in use")},
		{cloudflare.OpDelete, 0, ""},
		{cloudflare.OpDelete, 500, `{"success":true,"errors":[],"result":{"id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415"}}`},
		{cloudflare.OpVerifyToken, 401, says(1000, "Invalid API Token")},
	}
	var got bytes.Buffer
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			client, _ := scripted(t, func(int) *http.Response {
				if tt.status == 0 {
					return nil
				}
				return answered(tt.status, tt.body, "Cf-Ray", "8f1c2d3e4f5a6b7c-AMS")
			})
			err := operations[tt.op](t.Context(), client, "f174e90a-fafe-4643-bbbc-4a0ed4fc8415")
			fmt.Fprintf(&got, "%s %d\n    %s\n", tt.op, tt.status, failure(t, err))
		})
	}
	const golden = "testdata/errors.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("error texts (-want +got); -update writes them:\n%s", diff)
	}
}

// TestNoErrorHoldsASecret lets the other side echo the request in every part
// of an answer that an error may quote.
func TestOnlyTheServerItselfCanSayThatItHasEnded(t *testing.T) {
	t.Parallel()
	const failed = `{"success":false,"errors":[{"code":10001,"message":"Internal server error"}],"result":null}`
	for _, tt := range []struct {
		status int
		body   string
		want   bool
	}{
		{0, "", false},
		{200, failed, true},
		{201, `{"success":true,"result":{"id":"f1`, true},
		{400, failed, true},
		{500, failed, true},
		{500, "boom", true},
		{502, "<h1>Bad gateway</h1>", false},
		{502, failed, false},
		{503, "upstream connect error", false},
		{503, failed, true},
		{504, failed, false},
		{524, "<h1>A timeout occurred</h1>", false},
	} {
		client, _ := scripted(t, func(int) *http.Response {
			if tt.status == 0 {
				return nil
			}
			return answered(tt.status, tt.body)
		})
		_, err := client.Create(t.Context(), policy.Policy{Name: "a"}, nil)
		if got := failure(t, err).Answered(); got != tt.want {
			t.Errorf("%d %s: answered is %t, want %t", tt.status, tt.body, got, tt.want)
		}
	}
}

func TestNoErrorHoldsASecret(t *testing.T) {
	t.Parallel()
	const hush = "hush-hush-token"
	quoted := `"` + hush + `"`
	answers := map[string]func() (*http.Response, error){
		"page": func() (*http.Response, error) { return answered(502, "<p>Authorization: Bearer "+hush+"</p>"), nil },
		"message": func() (*http.Response, error) {
			return answered(400, `{"success":false,"errors":[{"code":1,"message":`+quoted+`}]}`), nil
		},
		"pointer": func() (*http.Response, error) {
			return answered(400, `{"success":false,"errors":[{"code":1,"message":"m","source":{"pointer":`+quoted+`}}]}`), nil
		},
		"link": func() (*http.Response, error) {
			return answered(400, `{"success":false,"errors":[{"code":1,"message":"m","documentation_url":`+quoted+`}]}`), nil
		},
		"ray": func() (*http.Response, error) { return answered(500, "", "Cf-Ray", hush), nil },
		"status": func() (*http.Response, error) {
			return answered(200, `{"success":true,"result":{"id":"another","status":"off"}}`, "Cf-Ray", hush), nil
		},
		"transport": func() (*http.Response, error) {
			return nil, errors.New("malformed HTTP response " + quoted)
		},
		"body": func() (*http.Response, error) {
			r := answered(200, "")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{errors.New("bad chunk " + hush)}))
			return r, nil
		},
	}
	for name, answer := range answers {
		for op, do := range operations {
			t.Run(name+" "+string(op), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client := connect(t, simulator.New(simulator.Options{}), func(o *cloudflare.Options) {
						o.Credentials = token(hush)
						o.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return answer() })
					})
					e := failure(t, do(t.Context(), client, "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"))
					for _, text := range []string{e.Error(), fmt.Sprintf("%+v %#v", e, e), fmt.Sprint(e.Errors, e.Err, e.Ray)} {
						if strings.Contains(text, hush) {
							t.Errorf("%s", text)
						}
					}
				})
			})
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// TestNoErrorHoldsTheRequestsBody because e-mail addresses are nobody's
// business who reads a log.
func TestNoErrorHoldsTheRequestsBody(t *testing.T) {
	t.Parallel()
	p := plain("Payroll")
	p.Include[0].Body = map[string]any{"domain": "private.example.com"}
	echoes := []simulator.Fault{
		{Kind: simulator.CutJSON},
		{Kind: simulator.BrokenBody},
		{Kind: simulator.NullResult},
		{Kind: simulator.LostReply},
		{Kind: simulator.ServerError},
		{Kind: simulator.Tampered, Rewrite: func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(`"name"`), []byte(`"nam"`)) }},
		{Kind: simulator.Tampered, Rewrite: func(body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"include":[`), []byte(`"include":7,"x":[`))
		}},
		{Kind: simulator.Tampered, Rewrite: func(body []byte) []byte { return append([]byte(" "), body[1:]...) }},
	}
	for _, f := range echoes {
		account := simulator.New(simulator.Options{})
		account.Inject(f)
		_, err := connect(t, account, nil).Create(t.Context(), p, nil)
		if text := failure(t, err).Error(); strings.Contains(text, "Payroll") || strings.Contains(text, "private") {
			t.Errorf("%s: %s", f.Kind, text)
		}
	}
}

func TestLongAnswersMakeShortErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 10_000)
	many := strings.Join(slices.Repeat([]string{`{"code":1,"message":"` + long + `"}`}, 100), ",")
	for name, body := range map[string]string{
		"page":   "<html>" + long,
		"errors": `{"success":false,"errors":[` + many + `]}`,
	} {
		client, _ := scripted(t, func(int) *http.Response { return answered(400, body, "Cf-Ray", long) })
		_, err := client.Create(t.Context(), plain("x"), nil)
		if n := len(failure(t, err).Error()); n > 6000 {
			t.Errorf("%s: an error of %d bytes", name, n)
		}
	}
}

func TestErrorWrapsItsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
		client := connect(t, simulator.New(simulator.Options{}), func(o *cloudflare.Options) {
			o.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, reset })
		})
		err := client.Delete(t.Context(), "f174e90a-fafe-4643-bbbc-4a0ed4fc8415", nil)
		if failure(t, err); !errors.Is(err, reset) {
			t.Errorf("got %v", err)
		}
	})
}
