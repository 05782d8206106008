package simulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base     = "https://api.cloudflare.com/client/v4"
	policies = base + "/accounts/" + simulator.DefaultAccountID + "/access/policies"
	smallest = `{"name":"n","decision":"allow","include":[{"everyone":{}}]}`
)

type object = map[string]any

// reply is an answer as a client sees it.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

func (r reply) envelope(t *testing.T) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(r.Body), &o); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	return o
}

func (r reply) result(t *testing.T) object {
	t.Helper()
	o, ok := r.envelope(t)["result"].(object)
	if !ok {
		t.Fatalf("no result: %s", r.Body)
	}
	return o
}

// code returns the code and pointer of the answer's first error.
func (r reply) code(t *testing.T) (int, string) {
	t.Helper()
	list, ok := r.envelope(t)["errors"].([]any)
	if !ok || len(list) == 0 {
		return 0, ""
	}
	first := list[0].(object)
	source, _ := first["source"].(object)
	pointer, _ := source["pointer"].(string)
	return int(first["code"].(float64)), pointer
}

func newRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+simulator.DefaultToken)
	return request
}

// send sends a request with the simulator's token.
func send(t *testing.T, through http.RoundTripper, method, url, body string) (reply, error) {
	t.Helper()
	return exchange(t, through, newRequest(t, method, url, body))
}

func exchange(t *testing.T, through http.RoundTripper, request *http.Request) (reply, error) {
	t.Helper()
	response, err := through.RoundTrip(request)
	if err != nil {
		return reply{}, err
	}
	defer func() {
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

func ask(t *testing.T, account *simulator.Account, method, url, body string) reply {
	t.Helper()
	got, err := send(t, account.Transport(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func plain(name string) policy.Policy {
	return policy.Policy{
		Name: name, Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "everyone", Body: map[string]any{}}},
	}
}

func seed(t *testing.T, account *simulator.Account, name string) string {
	t.Helper()
	id, err := account.Seed(plain(name))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func held(t *testing.T, account *simulator.Account) []policy.Live {
	t.Helper()
	all, err := account.Policies()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
