package demo_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var manifests = fstest.MapFS{"a.yaml": {Data: []byte("name: A\n")}}

func TestStartMakesARepositoryAndAnAccountAndCloseTakesThemAway(t *testing.T) {
	t.Parallel()
	d, err := demo.Start(t.Context(), manifests)
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), "git", "-C", d.Repo, "show", "main:policies/a.yaml").Output()
	if err != nil || string(said) != "name: A\n" {
		t.Errorf("main holds %q, %v", said, err)
	}
	said, err = exec.CommandContext(t.Context(), "git", "-C", d.Repo, "show", "main:policy.schema.json").Output()
	if err != nil || !strings.Contains(string(said), "json-schema.org") {
		t.Errorf("main holds the schema %q, %v", said, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.Account.BaseURL+"/user/tokens/verify", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode < 400 {
		t.Errorf("someone without a token is answered %d, %v", answer.StatusCode, err)
	}
	cfg, err := d.Config(func(string) (string, bool) { return "", false })
	if err != nil || cfg.Targets[0].Source.URL != d.Repo || filepath.Dir(filepath.Dir(cfg.State.Path())) != d.Dir {
		t.Errorf("config %+v, %v", cfg, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", d.Dir, err)
	}
}

func TestStartWithoutGitSaysSoAndLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("PATH", temporary)
	if _, err := demo.Start(t.Context(), manifests); err == nil || !strings.Contains(err.Error(), "git is not installed") {
		t.Errorf("error = %v", err)
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAnAccountAloneIsEmptyAndLetsInWhoHasItsEnvironment(t *testing.T) {
	t.Parallel()
	account, err := demo.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(account.Environment()) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[name] = value
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		env["CLOUDFLARE_BASE_URL"]+"/accounts/"+env["CLOUDFLARE_ACCOUNT_ID"]+"/access/policies", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+env["CLOUDFLARE_API_TOKEN"])
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if closed := answer.Body.Close(); err != nil || closed != nil || !strings.Contains(string(text), `"result":[],`) {
		t.Errorf("it answers %d %s, %v, %v", answer.StatusCode, text, err, closed)
	}
	if err := account.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Do(request); err == nil { //nolint:bodyclose // there is no answer
		t.Error("it answers though it is closed")
	}
}
