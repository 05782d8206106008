package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

func TestMain(m *testing.M) {
	if watcher := os.Getenv(watcherAt); watcher != "" {
		os.Exit(mortal(watcher, os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){
		"policysync": main, "curl": fetch, "sqlite3": sqlite3,
		"listing": listing, "measured": measured, "parsing": parsing, "poll": poll, // of benchmarks
	})
}

// TestScripts runs each script of testdata/script in a folder of its own, with
// a simulated account that the environment points to.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, filepath.Join("testdata", "script"))
}

func runScripts(t *testing.T, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:   dir,
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"account":     accountCommand,
			"await":       await,
			"certificate": certify,
			"guide":       guideCommand,
			"post":        post,
			"repo":        repo,
			"shown":       shown,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

type accountKey struct{}

// token is the API token of every simulated account here; it must never be
// seen in what the program prints.
const token = "verysecret-0123456789"

func setup(env *testscript.Env) error {
	account := simulator.New(simulator.Options{Token: token})
	server := httptest.NewServer(account)
	env.Defer(server.Close)
	env.Values[accountKey{}] = account
	env.Setenv("CLOUDFLARE_BASE_URL", server.URL+"/client/v4")
	env.Setenv("CLOUDFLARE_API_TOKEN", token)
	env.Setenv("CLOUDFLARE_ACCOUNT_ID", simulator.DefaultAccountID)
	env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "var"))
	env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, "gitconfig"))
	env.Setenv("NO_COLOR", "")
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each program that ends waits for a second under the race detector
	git := "[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n"
	return os.WriteFile(filepath.Join(env.WorkDir, "gitconfig"), []byte(git), 0o600)
}

// accountCommand acts on the simulated account:
//
//	account names NAME…       the account has the policies of these names
//	account count OP N        it got N requests of that operation
//	account seed NAME DOMAIN  makes a policy at the dashboard
//	account refer NAME GROUP  makes a policy there that refers to a group
//	account tfstate FILE      puts the ids of policies for what stands for them there
//	account session NAME TIME makes its sessions that long there
//	account drop NAME         deletes one there
//	account group NAME        makes an access group
//	account pin NAME          makes an identity provider that sends PINs
//	account fail OP KIND N [STATUS]  makes requests fail; KIND has - for blanks
func accountCommand(ts *testscript.TestScript, neg bool, args []string) {
	account, ok := ts.Value(accountKey{}).(*simulator.Account)
	if !ok || neg || len(args) == 0 {
		ts.Fatalf("usage: account names|count|seed|drop|fail …")
	}
	switch args[0] {
	case "names":
		var got []string
		for _, p := range policies(ts, account) {
			got = append(got, p.Name)
		}
		slices.Sort(got)
		if want := args[1:]; !slices.Equal(got, want) {
			ts.Fatalf("the account has %q, want %q", got, want)
		}
	case "count":
		if got := account.Count(args[1]); strconv.Itoa(got) != args[2] {
			ts.Fatalf("%d %s requests, want %s", got, args[1], args[2])
		}
	case "seed":
		_, err := account.Seed(policy.Policy{
			Name: args[1], Decision: policy.Allow,
			Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": args[2]}}},
		})
		ts.Check(err)
	case "tfstate":
		text := ts.ReadFile(args[1])
		for _, p := range policies(ts, account) {
			domain, _ := p.Include[0].Body.(map[string]any)["domain"].(string)
			text = strings.ReplaceAll(text, "ID-OF-"+domain, p.ID)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	case "session":
		for _, p := range policies(ts, account) {
			if p.Name == args[1] {
				p.Settings = map[string]any{"session_duration": args[2]}
				ts.Check(account.Edit(p.ID, p.Policy))
			}
		}
	case "refer":
		_, err := account.Seed(policy.Policy{
			Name: args[1], Decision: policy.Allow,
			Include: []policy.Rule{{Kind: "group", Body: map[string]any{"id": account.Add(policy.ToGroup, args[2])}}},
		})
		ts.Check(err)
	case "group":
		account.Add(policy.ToGroup, args[1])
	case "pin":
		account.AddOneTimePIN(args[1])
	case "drop":
		for _, p := range policies(ts, account) {
			if p.Name == args[1] {
				account.Remove(p.ID)
			}
		}
	case "fail":
		times, err := strconv.Atoi(args[3])
		ts.Check(err)
		status, err := strconv.Atoi(append(args, "0")[4])
		ts.Check(err)
		account.Inject(simulator.Fault{Operation: args[1], Kind: simulator.Kind(strings.ReplaceAll(args[2], "-", " ")), Times: times, Status: status})
	default:
		ts.Fatalf("unknown: account %s", args[0])
	}
}

func policies(ts *testscript.TestScript, account *simulator.Account) []policy.Live {
	all, err := account.Policies()
	ts.Check(err)
	return all
}

// repo commits the folder, which becomes a repository if it isn't one.
func repo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repo FOLDER")
	}
	dir := ts.MkAbs(args[0])
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		ts.Check(ts.Exec("git", "-C", dir, "init", "--quiet"))
	}
	ts.Check(ts.Exec("git", "-C", dir, "add", "."))
	ts.Check(ts.Exec("git", "-C", dir, "commit", "--quiet", "--allow-empty", "--message", "commit"))
}

// await waits until a file (or with ! no more) has a text in it, or until the
// address named in a file answers with that text:
//
//	await TEXT FILE [ROUTE]
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: await TEXT FILE [ROUTE]")
	}
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var text string
	for time.Now().Before(deadline) {
		text = readAt(ts.MkAbs(args[1]), cmp.Or(slices.Concat(args[2:], []string{""})[0]))
		if strings.Contains(text, args[0]) != neg {
			return
		}
		<-tick.C
	}
	ts.Fatalf("in vain; last seen:\n%s", text)
}

// readAt returns a file's text, or with a route what the daemon whose log the
// file is answers there; "" when that can't be had yet.
func readAt(file, route string) string {
	text, err := os.ReadFile(file)
	if err != nil || route == "" {
		return string(text)
	}
	_, rest, found := strings.Cut(string(text), `"address":"`)
	address, _, whole := strings.Cut(rest, `"`)
	if !found || !whole {
		return ""
	}
	return answerTo(http.MethodGet, "http://"+address+route, "", "")
}

// post sends a body to the daemon whose log the file is, and fails unless the
// answer has a text in it:
//
//	post TEXT FILE ROUTE TOKEN BODY
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: post TEXT FILE ROUTE TOKEN BODY")
	}
	_, rest, _ := strings.Cut(ts.ReadFile(args[1]), `"address":"`)
	address, _, _ := strings.Cut(rest, `"`)
	if got := answerTo(http.MethodPost, "http://"+address+args[2], args[3], args[4]); !strings.Contains(got, args[0]) {
		ts.Fatalf("the answer is %s", got)
	}
}

// answerTo returns the status and the body that a request is answered with,
// or what went wrong.
func answerTo(method, url, bearer, text string) string {
	request, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(text))
	if err != nil {
		return err.Error()
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return answerOf(request)
}

// answerOf returns the status and the body that a request is answered with,
// or what went wrong.
func answerOf(request *http.Request) string {
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	var body bytes.Buffer
	fmt.Fprintf(&body, "%d ", response.StatusCode)
	if _, err := io.Copy(&body, response.Body); err != nil {
		return err.Error()
	}
	return body.String()
}
