//go:build release

package release_test

import (
	"net/http"
	"net/http/cgi"
	"os"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// outside names the address at which this program stands for the world outside
// of a machine: an account, and a Git server with what is in outsideGit.
const (
	outside    = "POLICYSYNC_OUTSIDE"
	outsideGit = "POLICYSYNC_OUTSIDE_GIT"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(outside); address != "" {
		panic(http.ListenAndServe(address, world(os.Getenv(outsideGit))))
	}
	os.Exit(m.Run())
}

func world(repositories string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/client/v4/", simulator.New(simulator.Options{Token: "a-token"}))
	mux.Handle("/", &cgi.Handler{
		Path: "/usr/bin/git", Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + repositories, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	return mux
}
