package simulator

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 10 << 20

// call is a request taken apart.
type call struct {
	operation string
	method    string
	path      string
	id        string // of the policy, where the path names one
	query     url.Values
	header    http.Header
	body      []byte
}

func newCall(w http.ResponseWriter, r *http.Request) (call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return call{}, err
	}
	c := call{method: r.Method, query: r.URL.Query(), header: r.Header, body: body}
	c.path = strings.TrimPrefix(r.URL.Path, "/client/v4")
	c.operation, c.id = operation(c.method, c.path)
	return c, nil
}

// routes names the operations by method and by what follows the account.
var routes = map[string]string{
	"GET /access/policies":      "list",
	"POST /access/policies":     "create",
	"GET /access/policies/*":    "get",
	"PUT /access/policies/*":    "update",
	"DELETE /access/policies/*": "delete",
	"GET /access/apps":          "list_apps",
	"GET /access/groups":        "list_groups",

	"GET /access/service_tokens":     "list_service_tokens",
	"GET /access/identity_providers": "list_identity_providers",
	"GET /devices/posture":           "list_posture_rules",
	"GET /gateway/lists":             "list_lists",
	"GET /tokens/verify":             "verify_token",
}

// operation returns what a request is for, and the policy's id.
func operation(method, path string) (name, id string) {
	if method == http.MethodGet && path == userVerify {
		return "verify_token", ""
	}
	rest, ok := strings.CutPrefix(path, "/accounts/")
	_, rest, found := strings.Cut(rest, "/")
	if !ok || !found {
		return "", ""
	}
	route := method + " /" + rest
	if name, ok := routes[route]; ok {
		return name, ""
	}
	cut := strings.LastIndex(route, "/")
	return routes[route[:cut]+"/*"], route[cut+1:]
}

const userVerify = "/user/tokens/verify"

// handle checks who asks and lets the operation's own function answer.
func (a *Account) handle(c call) answer {
	if refused, ok := a.admit(c); !ok {
		return refused
	}
	switch c.operation {
	case "list":
		return a.page(c, a.listPolicies(), defaultPerPage)
	case "list_apps":
		return a.page(c, a.listApps(), maxPerPage)
	case "list_groups", "list_service_tokens", "list_identity_providers":
		return a.page(c, a.things[c.operation], maxPerPage)
	case "list_posture_rules", "list_lists":
		return success(http.StatusOK, append([]object{}, a.things[c.operation]...))
	case "create":
		return a.create(c)
	case "get":
		return a.get(c)
	case "update":
		return a.update(c)
	case "delete":
		return a.delete(c)
	case "verify_token":
		return success(http.StatusOK, object{"id": "ed17574386854bf78a67040be0a770b0", "status": a.options.TokenStatus})
	default:
		return failure(http.StatusNotFound, 7003, fmt.Sprintf("Could not route to %s, perhaps your object identifier is invalid?", c.path))
	}
}

// admit checks the credentials as the real API does: the same for every path
// but those that verify a token.
func (a *Account) admit(c call) (answer, bool) {
	if c.operation == "" {
		return answer{}, true
	}
	token, hasToken := strings.CutPrefix(c.header.Get("Authorization"), "Bearer ")
	email, key := c.header.Get("X-Auth-Email"), c.header.Get("X-Auth-Key")
	known := hasToken && token == a.options.Token
	switch {
	case !hasToken && (email == "" || key == ""):
		return failure(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"), false
	case c.operation == "verify_token" && (!known || a.options.AccountToken == (c.path == userVerify)):
		return failure(http.StatusUnauthorized, 1000, "Invalid API Token"), false
	case !known && (hasToken || a.options.Email == "" || email != a.options.Email || key != a.options.Key):
		return failure(http.StatusForbidden, 10000, "Authentication error"), false
	case c.path != userVerify && !strings.HasPrefix(c.path, "/accounts/"+a.options.AccountID+"/"):
		return failure(http.StatusForbidden, 9109, "Unauthorized to access requested resource"), false
	case hasToken && a.options.ReadOnly && c.method != http.MethodGet:
		return failure(http.StatusForbidden, 10000, "Authentication error"), false
	}
	return answer{}, true
}
