package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

func Example() {
	account := simulator.New(simulator.Options{Token: "secret"})
	account.Inject(simulator.Fault{Operation: "create", Kind: simulator.HTML, After: true})

	for range 2 {
		body := `{"name": "Staff", "decision": "allow", "include": [{"ip": {"ip": "192.0.2.1"}}]}`
		request := httptest.NewRequest(http.MethodPost, "/accounts/"+simulator.DefaultAccountID+"/access/policies", strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer secret")
		answer := httptest.NewRecorder()
		account.ServeHTTP(answer, request)
		fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	}
	all, err := account.Policies()
	if err != nil {
		fmt.Println(err)
	}
	for _, p := range all {
		fmt.Println(p.Name, p.Include[0].Body)
	}
	// Output:
	// 502 text/html
	// 201 application/json
	// Staff map[ip:192.0.2.1/32]
	// Staff map[ip:192.0.2.1/32]
}
