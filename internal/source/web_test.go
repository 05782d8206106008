package source_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source/githubapp"
)

// api gives out tokens and tells of each; that its JWTs are sound, package
// githubapp tests.
type api struct {
	mu    sync.Mutex
	given []string
}

func (a *api) serve(w http.ResponseWriter, q *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q.URL.Path != "/api/v3/app/installations/2/access_tokens" {
		http.NotFound(w, q)
		return
	}
	a.given = append(a.given, fmt.Sprint("ghs_t0ken", len(a.given)))
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"token":%q,"expires_at":%q}`, a.given[len(a.given)-1], time.Now().Add(time.Hour).Format(time.RFC3339))
}

func (a *api) last() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.given[len(a.given)-1]
}

func TestGitHubAppReadsWithATokenThatIsKept(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	var tokens api
	revoked := ""
	web.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		user, password, _ := q.BasicAuth()
		switch {
		case strings.HasPrefix(q.URL.Path, "/api/"):
			tokens.serve(w, q)
		case user != "x-access-token" || password != tokens.last() || password == revoked:
			http.Error(w, loginPage+password, http.StatusUnauthorized)
		default:
			git.ServeHTTP(w, q)
		}
	})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o := r.options()
	o.URL = web.repo()
	o.GitHubApp = githubapp.App{ID: 1, InstallationID: 2, PrivateKey: secret.Source{File: filepath.Join(t.TempDir(), "app.pem")}}
	write(t, o.GitHubApp.PrivateKey.File, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	g := newGit(t, o)
	wantFiles(t, fetch(t, g), files{"a.yaml": "1"})
	fetch(t, g)
	const asked = "POST /api/v3/app/installations/2/access_tokens"
	web.wantRequests(asked, listing, listing, pack, listing)

	revoked = tokens.last()
	err = fetchError(t, g)
	wantError(t, err, "the server refused the GitHub App's token: check that the app is installed for this repository", false)
	if strings.Contains(err.Error(), "t0ken") {
		t.Errorf("error %q has the token in it", err)
	}
	fetch(t, g)
	web.wantRequests(listing, asked, listing)
}

func TestCAFileIsTheOnlyAuthorityTrusted(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newTLSServer(t, r)
	o := r.options()
	o.URL, o.CAFile = web.repo(), filepath.Join(t.TempDir(), "ca.pem")
	g := newGit(t, o)
	if err := fetchError(t, g); !strings.Contains(err.Error(), "read ca_file: open "+o.CAFile) {
		t.Errorf("error %v", err)
	}
	write(t, o.CAFile, "nothing")
	if err := fetchError(t, g); !strings.HasSuffix(err.Error(), "read ca_file: "+o.CAFile+" has no certificate in PEM form") {
		t.Errorf("error %v", err)
	}
	write(t, o.CAFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: selfSigned(t)})))
	if err := fetchError(t, g); !strings.Contains(err.Error(), "tls: failed to verify certificate") {
		t.Errorf("error %v: the system's authorities, which know the server, count", err)
	}
	write(t, o.CAFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})))
	wantFiles(t, fetch(t, g), files{"a.yaml": "1"})
}

func selfSigned(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestProxyOfTheEnvironmentIsUsed(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	behindProxy.Store("git.example.test", web.Config.Handler)
	o := r.options()
	o.URL = "http://git.example.test/access.git"
	wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
	web.wantRequests(listing, listing, pack)
}

func TestProxyOfTheEnvironmentLeadsToHTTPSToo(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newTLSServer(t, r)
	tunnels := tunnel{t: t, to: web.Listener.Addr().String()}
	behindProxy.Store("example.com:443", &tunnels) // a name of httptest's certificate
	o := r.options()
	o.URL = "https://example.com/access.git"
	wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
	web.wantRequests(listing, listing, pack)
	if tunnels.opened.Load() == 0 {
		t.Error("nobody asked for a tunnel")
	}
}

// tunnel is what a proxy does at CONNECT (RFC 9110 9.3.6).
type tunnel struct {
	t      *testing.T
	to     string
	opened atomic.Int32
}

func (c *tunnel) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method != http.MethodConnect {
		c.t.Errorf("the proxy is asked to %s %s", q.Method, q.URL)
		return
	}
	c.opened.Add(1)
	server, err := (&net.Dialer{}).DialContext(q.Context(), "tcp", c.to)
	if err != nil {
		c.t.Error(err)
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.t.Error(err)
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	_, _ = io.Copy(server, client)
	_ = server.Close()
	back.Wait()
}
