package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// marked are secrets, each with what no harmless text has in it. Those that
// travel in URLs have characters that are escaped there.
var marked = map[string]string{
	"api_token_file of cloudflare": "MARKED-cloudflare-0123456789abcdef",
	"password_file":                "MARKED/git+password=&0123",
	"ssh_key_file":                 "MARKED-ssh-key",
	"ssh_passphrase_file":          "MARKED-passphrase",
	"private_key_file":             "MARKED-app-key",
	"secret_files":                 "MARKED-webhook-secret",
	"api_token_file of server":     "MARKED-bearer-token",
	"OTEL_EXPORTER_OTLP_HEADERS":   "MARKED-collector-key",
	"token of the app":             "MARKED/installation+token=&0123",
}

// forms returns the forms in which a secret may come out.
func forms(secret string) []string {
	escaped, _ := json.Marshal(secret) //nolint:errchkjson // a text
	return []string{
		secret, strings.Trim(string(escaped), `"`), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("git:" + secret)),
		base64.StdEncoding.EncodeToString([]byte("x-access-token:" + secret)),
	}
}

// indiscreet is a server that tells others what it was told: in messages, pages,
// redirects and headers.
func indiscreet(account http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		told := r.Header.Get("Authorization") + " " + password
		w.Header().Set("Cf-Ray", strings.TrimPrefix(told, "Bearer "))
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		told = strings.TrimSpace(told)
		switch {
		case strings.HasPrefix(r.URL.Path, "/denied.git"):
			http.Error(w, "wrong password: "+told, http.StatusForbidden)
		case strings.HasPrefix(r.URL.Path, "/moved.git"):
			http.Redirect(w, r, "http://127.0.0.1:1/?password="+url.QueryEscape(password), http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/broken.git"):
			_, _ = fmt.Fprintf(w, "%04xERR %s\n", len(told)+9, told)
		case bytes.Contains(body, []byte(`"Refused"`)):
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{ //nolint:errchkjson // texts
				"success": false, "errors": []any{map[string]any{"code": 10000, "message": "no: " + told, "documentation_url": "https://x/?" + told}},
			})
		case bytes.Contains(body, []byte(`"Crashed"`)):
			http.Error(w, "<html>"+told, http.StatusInternalServerError)
		case bytes.Contains(body, []byte(`"Moved"`)):
			http.Redirect(w, r, "http://127.0.0.1:1/?token="+url.QueryEscape(told), http.StatusTemporaryRedirect)
		default:
			account.ServeHTTP(w, r)
		}
	})
}

// TestNoSecretEverComesOut gives a daemon all the secrets there are, has each
// server tell them back and everybody send them where they don't belong, and looks
// for them in all that comes out, up to the traces of a crash.
func TestNoSecretEverComesOut(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "console"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			k := newKeeper(t, format)
			k.command("plan", "--target", "works")
			k.command("plan", "--target", "works", "--format", "json")
			k.daemon()
			k.command("status", "--wide")
			k.command("history", "--format", "json")
			k.command("history", "--verify")
			k.write("badconfig.yaml", strings.ReplaceAll(k.config(format, "http://u:"+marked["password_file"]+"@127.0.0.1:1"), "level: debug", "level: ${CLOUDFLARE_API_KEY}"))
			k.command("plan", "--config", filepath.Join(k.dir, "badconfig.yaml"))
			k.seek()
		})
	}
}

// keeper keeps the secrets, and all that came out.
type keeper struct {
	*testing.T

	dir, at string
	hub     string            // where GitHub is
	traced  string            // where traces go
	marked  map[string]string // all secrets, by their names
	out     map[string][]byte // by where it came from

	mu     sync.Mutex
	traces bytes.Buffer // all there were
}

func newKeeper(t *testing.T, format string) *keeper {
	t.Helper()
	account := simulator.New(simulator.Options{Token: marked["api_token_file of cloudflare"]})
	server := httptest.NewServer(indiscreet(account))
	t.Cleanup(server.Close)
	k := &keeper{T: t, dir: t.TempDir(), at: server.URL, marked: maps.Clone(marked), out: map[string][]byte{}}
	collector := httptest.NewServer(http.HandlerFunc(k.collect))
	t.Cleanup(collector.Close)
	k.traced = collector.URL
	for name, secret := range marked {
		k.write(filepath.Join("secrets", strings.ReplaceAll(name, " ", "-")), secret)
	}
	k.write("secrets/known_hosts", "")
	for _, name := range []string{"Fine", "Refused", "Crashed", "Moved"} {
		k.write("repo/policies/"+name+".yaml", declared(name, "24h"))
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "--all"},
		{"-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "--quiet", "--message=x"},
	} {
		git := exec.CommandContext(t.Context(), "git", append([]string{"-C", filepath.Join(k.dir, "repo")}, args...)...)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", git.Args, err, out)
		}
	}
	k.hub = k.make()
	k.write("policysync.yaml", k.config(format, server.URL))
	return k
}

// collect keeps traces and tells back what it was told.
func (k *keeper) collect(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.traces.ReadFrom(r.Body); err != nil {
		k.Error(err)
	}
	http.Error(w, "collector: no: "+r.Header.Get("Authorization"), http.StatusForbidden)
}

func (k *keeper) read(name string) string {
	k.Helper()
	text, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		k.Fatal(err)
	}
	return string(text)
}

func (k *keeper) write(name, text string) {
	k.Helper()
	file := filepath.Join(k.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		k.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		k.Fatal(err)
	}
}

// targets of the config; all but the first can't be read.
var targets = []string{"works", "denied", "moved", "broken", "app", "ssh", "hub", "locked"}

func (k *keeper) config(format, git string) string {
	secrets := filepath.Join(k.dir, "secrets")
	sources := map[string]string{
		"works": fmt.Sprintf("url: %q", filepath.Join(k.dir, "repo")),
		"app":   fmt.Sprintf("url: 'https://127.0.0.1:1/x.git', auth: {github_app: {app_id: 1, installation_id: 1, private_key_file: %q}}", secrets+"/private_key_file"),
		"ssh": fmt.Sprintf("url: 'ssh://git@127.0.0.1:1/x.git', auth: {ssh_key_file: %q, ssh_passphrase_file: %q, known_hosts_file: %q}",
			secrets+"/ssh_key_file", secrets+"/ssh_passphrase_file", secrets+"/known_hosts"),
		"hub": fmt.Sprintf("url: %q, auth: {ca_file: %q, github_app: {app_id: 1, installation_id: 1, private_key_file: %q}}",
			k.hub+"/x.git", secrets+"/ca.crt", secrets+"/app.pem"),
		"locked": fmt.Sprintf("url: 'ssh://git@127.0.0.1:1/x.git', auth: {ssh_key_file: %q, ssh_passphrase_file: %q, known_hosts_file: %q}",
			secrets+"/locked", secrets+"/ssh_passphrase_file", secrets+"/known_hosts"),
	}
	var b strings.Builder
	b.WriteString("targets:\n")
	for _, name := range targets {
		source, ok := sources[name]
		if !ok {
			source = fmt.Sprintf("url: %q, auth: {password_file: %q}", git+"/"+name+".git", secrets+"/password_file")
		}
		fmt.Fprintf(&b, "  - {name: %s, account_id: %s, source: {%s}, cloudflare: {base_url: %q, api_token_file: %q}}\n",
			name, simulator.DefaultAccountID, source, k.at+"/client/v4", secrets+"/api_token_file-of-cloudflare")
	}
	fmt.Fprintf(&b, "state: {url: %q}\naudit: {file: %q}\nlog: {level: debug, format: %s}\n", "sqlite://"+k.dir+"/state/state.db", k.dir+"/audit.jsonl", format)
	fmt.Fprintf(&b, "server:\n  listen: 127.0.0.1:0\n  tls: {cert_file: %q, key_file: %q}\n  api_token_file: %q\n  webhooks:\n",
		secrets+"/tls.crt", secrets+"/tls.key", secrets+"/api_token_file-of-server")
	for _, provider := range []string{"github", "gitlab", "gitea", "gogs", "bitbucket", "generic"} {
		fmt.Fprintf(&b, "    %s: {secret_files: [%q]}\n", provider, secrets+"/secret_files")
	}
	return b.String()
}

// command runs a command, with secrets in its environment, however it ends.
func (k *keeper) command(args ...string) *exec.Cmd {
	k.Helper()
	c := k.process(args...)
	out, err := c.CombinedOutput()
	k.out[strings.Join(c.Args, " ")] = out
	if len(out) == 0 {
		k.Errorf("%v says nothing: %v", c.Args, err)
	}
	return c
}

func (k *keeper) process(args ...string) *exec.Cmd {
	c := exec.CommandContext(k.Context(), "policysync", args...)
	c.Dir = k.dir
	c.Env = append(os.Environ(), "GOTRACEBACK=all", "POLICYSYNC_API_TOKEN="+marked["api_token_file of server"], "CLOUDFLARE_API_KEY="+marked["secret_files"],
		"OTEL_EXPORTER_OTLP_ENDPOINT="+k.traced, "OTEL_EXPORTER_OTLP_HEADERS=authorization=Key%20"+marked["OTEL_EXPORTER_OTLP_HEADERS"], "OTEL_BSP_SCHEDULE_DELAY=10")
	return c
}

// daemon runs the daemon until each target has run, asks it everything, and has
// it die with the traces of all that it does.
func (k *keeper) daemon() {
	k.Helper()
	c := k.process("run")
	stderr, err := c.StderrPipe()
	if err != nil {
		k.Fatal(err)
	}
	if err := c.Start(); err != nil {
		k.Fatal(err)
	}
	var logged bytes.Buffer
	var address string
	ran := map[string]bool{}
	lines := bufio.NewScanner(io.TeeReader(stderr, &logged))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, after, listening := strings.Cut(strings.ReplaceAll(lines.Text(), " ", ""), `"address":"`)
		if listening {
			address, _, _ = strings.Cut(after, `"`)
		}
		for _, name := range targets {
			if strings.Contains(lines.Text(), "run done") && strings.Contains(lines.Text(), `"`+name+`"`) {
				ran[name] = true
			}
		}
		if len(ran) == len(targets) && address != "" {
			k.ask("https://" + address)
			if err := c.Process.Signal(syscall.SIGQUIT); err != nil {
				k.Fatal(err)
			}
			ran = map[string]bool{}
		}
	}
	_ = c.Wait() // it dies by the signal
	k.out["the daemon"] = logged.Bytes()
	if !bytes.Contains(logged.Bytes(), []byte("goroutine 1 ")) {
		k.Errorf("the daemon left no traces:\n%s", &logged)
	}
	for _, told := range []string{"?password=[redacted]", "Basic [redacted] [redacted]", "no: Bearer [redacted]", "collector: no: [redacted]", "GitHub says no: Basic [redacted] [redacted]", "ssh://git@127.0.0.1:1/x.git: dial tcp"} { // else the servers weren't indiscreet
		if !bytes.Contains(logged.Bytes(), []byte(told)) {
			k.Errorf("the log has nothing of %q:\n%s", told, &logged)
		}
	}
}

// look asks for what there is and must be shown, and keeps the answer.
func (k *keeper) look(base, path, bearer string) []byte {
	k.Helper()
	status, answer := k.request(http.MethodGet, base+path, "", map[string]string{"Authorization": "Bearer " + bearer})
	if path != "/readyz" && !strings.HasPrefix(path, "/nowhere") && status != http.StatusOK {
		k.Errorf("GET %s: %d", path, status)
	}
	k.out["GET "+path] = answer
	return answer
}

// ask asks every route, with secrets where they don't belong.
func (k *keeper) ask(base string) {
	k.Helper()
	bearer, secret := marked["api_token_file of server"], marked["secret_files"]
	for _, path := range []string{
		"/", "/signin", "/metrics", "/healthz", "/readyz", "/api/v1/freeze", "/api/v1/targets", "/api/v1/targets/works", "/api/v1/targets/works/policies",
		"/api/v1/targets/denied/runs", "/api/v1/targets/" + url.PathEscape(bearer), "/api/v1/runs/" + bearer[:6], "/nowhere?token=x",
	} {
		if strings.Contains(path, "MARKED") { // what is asked for may be told back to who asked; the log may not have it
			_, _ = k.request(http.MethodGet, base+path, "", nil)
			continue
		}
		k.look(base, path, bearer)
	}
	_, id, found := strings.Cut(string(k.look(base, "/api/v1/targets/works/runs", bearer)), `"id":"`)
	if !found {
		k.Error("no run is recorded")
	}
	id, _, _ = strings.Cut(id, `"`)
	k.look(base, "/api/v1/runs/"+id, bearer)
	k.look(base, "/runs/"+id, bearer)
	for _, path := range []string{"/api/v1/targets/works/sync?wait=true", "/api/v1/targets/denied/sync?wait=true", "/api/v1/targets/nobody/sync", "/api/v1/freeze"} {
		for how, header := range map[string]map[string]string{
			"right": {"Authorization": "Bearer " + bearer}, "none": {}, "basic": {"Authorization": "Basic " + bearer}, "other": {"Authorization": "Bearer x" + bearer},
		} {
			_, answer := k.request(http.MethodPost, base+path, "{}", header)
			k.out["POST "+path+" "+how] = answer
		}
	}
	k.signIn(base, bearer)
	for _, provider := range []string{"github", "gitlab", "gitea", "gogs", "bitbucket", "generic"} {
		for how, header := range map[string]map[string]string{
			"signature": {"X-Hub-Signature-256": "sha256=" + secret, "X-Signature-256": secret, "X-Gitea-Signature": secret, "X-Gogs-Signature": secret, "X-Hub-Signature": secret},
			"token":     {"X-Gitlab-Token": "x" + secret, "X-GitHub-Event": secret, "X-Gitlab-Event": "Push Hook"},
			"right":     {"X-Gitlab-Token": secret, "X-Gitlab-Event": "Push Hook"},
		} {
			_, answer := k.request(http.MethodPost, base+"/webhooks/"+provider, `{"ref":"refs/heads/main","secret":"x"}`, header)
			k.out["webhook "+provider+" "+how] = answer
		}
	}
}

func (k *keeper) request(method, at, body string, header map[string]string) (int, []byte) {
	k.Helper()
	r, err := http.NewRequestWithContext(k.Context(), method, at, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	if err != nil {
		k.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		k.Fatal(err)
	}
	var headers bytes.Buffer
	if err := response.Header.Write(&headers); err != nil {
		k.Fatal(err)
	}
	return response.StatusCode, append(headers.Bytes(), answer...)
}

// seek looks for secrets in all that came out, and in all files that were written.
func (k *keeper) seek() {
	k.Helper()
	err := filepath.WalkDir(k.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "secrets" {
			return errorOr(err, fs.SkipDir)
		}
		if d.IsDir() || strings.HasSuffix(path, "config.yaml") {
			return nil
		}
		text, err := os.ReadFile(path)
		k.out[path] = text
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.out[filepath.Join(k.dir, "traces")] = k.traces.Bytes()
	for _, needed := range []string{"state/state.db", "audit.jsonl", "traces"} {
		if len(k.out[filepath.Join(k.dir, needed)]) == 0 {
			k.Errorf("%s is empty", needed)
		}
	}
	for from, text := range k.out {
		for name, secret := range k.marked {
			for _, form := range forms(secret) {
				if at := bytes.Index(text, []byte(form)); at >= 0 {
					k.Errorf("%s has the secret of %s:\n%s", from, name, text[max(0, at-200):min(len(text), at+len(form)+20)])
				}
			}
		}
	}
}

func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
