package cloudflare_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

func TestThingsAreThoseOfTheirKind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{MaxPerPage: 1})
		want := map[policy.Reference][]policy.Thing{
			policy.ToProvider: {{ID: account.AddOneTimePIN("PIN"), Name: "PIN", Type: "onetimepin"}},
		}
		types := map[policy.Reference]string{
			policy.ToProvider: "oidc", policy.ToPosture: "disk_encryption", policy.ToEmailList: "EMAIL", policy.ToIPList: "IP",
		}
		for _, kind := range []policy.Reference{
			policy.ToGroup, policy.ToServiceToken, policy.ToProvider, policy.ToPosture, policy.ToEmailList, policy.ToIPList,
		} {
			for _, name := range []string{"One", "Two", "Two"} {
				want[kind] = append(want[kind], policy.Thing{ID: account.Add(kind, name), Name: name, Type: types[kind]})
			}
		}
		client := connect(t, account, nil)
		for kind, things := range want {
			got, err := client.Things(t.Context(), kind)
			if err != nil {
				t.Error(err)
			}
			if d := cmp.Diff(things, got[kind]); d != "" {
				t.Errorf("%s (-want +got):\n%s", kind, d)
			}
		}
		if err := account.Attach(seed(t, account, plain("a")), "Wiki"); err != nil {
			t.Fatal(err)
		}
		if got, err := client.Things(t.Context(), policy.ToApp); err != nil || len(got) != 1 || got[policy.ToApp][0].Name != "Wiki" {
			t.Errorf("applications: %v, %v", got, err)
		}
		for _, kind := range []policy.Reference{policy.ToAccount, policy.ToProviderGroup, policy.ToAuthContext} {
			if got, err := client.Things(t.Context(), kind); err == nil || kind.Named() {
				t.Errorf("%s: %v, want an error", kind, got)
			}
		}
	})
}

func TestListsOfThingsThatAreNotWholeAreErrors(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{simulator.ShortPage, simulator.NullResult, simulator.SuccessFalse, simulator.HTML} {
		for refers, operation := range map[policy.Reference]string{policy.ToGroup: "list_groups", policy.ToIPList: "list_lists"} {
			if kind == simulator.ShortPage && refers == policy.ToIPList {
				continue // it comes without a count
			}
			t.Run(string(kind)+" "+operation, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					account := simulator.New(simulator.Options{})
					account.Add(refers, "One")
					account.Inject(simulator.Fault{Operation: operation, Kind: kind, Times: -1})
					client := connect(t, account, nil)
					if got, err := client.Things(t.Context(), refers); err == nil {
						t.Errorf("got %v and no error", got)
					}
				})
			})
		}
	}
}

func TestARefusedListNamesThePermissionThatItNeeds(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reference/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	for kind, permission := range map[policy.Reference]string{
		policy.ToGroup: "Access: Organizations, Identity Providers, and Groups Read", policy.ToProvider: "Access: Organizations, Identity Providers, and Groups Read",
		policy.ToServiceToken: "Access: Service Tokens Read", policy.ToApp: "Access: Apps and Policies Read",
		policy.ToPosture: "Zero Trust Read", policy.ToEmailList: "Zero Trust Read", policy.ToIPList: "Zero Trust Read",
	} {
		synctest.Test(t, func(t *testing.T) {
			client, _ := scripted(t, func(int) *http.Response {
				return answered(http.StatusForbidden, `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null}`)
			})
			if _, err := client.Things(t.Context(), kind); err == nil || !strings.Contains(err.Error(), `the permission "`+permission+`" or Write`) {
				t.Errorf("%s: %v, want it to name %s", kind, err, permission)
			}
		})
		if !strings.Contains(string(page), "*"+permission+"*") {
			t.Errorf("the reference says nothing of the permission %s", permission)
		}
	}
}
