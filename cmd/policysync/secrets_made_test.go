package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/policysync/policysync/internal/certificate/certificatetest"
)

// make makes those secrets that have to be real, because they are used: keys, and
// what they open. It returns where GitHub is.
func (k *keeper) make() (github string) {
	k.Helper()
	secrets := filepath.Join(k.dir, "secrets")
	must := func(err error) {
		if err != nil {
			k.Fatal(err)
		}
	}
	must(certificatetest.Write(secrets+"/tls.crt", secrets+"/tls.key", time.Now(), time.Now().AddDate(1, 0, 0), "127.0.0.1"))
	k.mark("key_file", k.read("secrets/tls.key"))

	app, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	k.write("secrets/app.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(app)})))
	k.mark("private_key_file of a real app", k.read("secrets/app.pem"))

	_, private, err := ed25519.GenerateKey(nil)
	must(err)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(k.marked["ssh_passphrase_file"]))
	must(err)
	k.write("secrets/locked", string(pem.EncodeToMemory(locked)))
	k.mark("ssh_key_file with a passphrase", k.read("secrets/locked"))

	server := httptest.NewTLSServer(http.HandlerFunc(k.github))
	k.Cleanup(server.Close)
	k.write("secrets/ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return server.URL
}

// mark has a line from amid a key looked for.
func (k *keeper) mark(name, key string) {
	k.Helper()
	lines := strings.Split(key, "\n")
	if len(lines) < 4 {
		k.Fatalf("there is no key in %s", name)
	}
	k.marked[name] = lines[len(lines)/2-1]
}

// github gives out the token of an app, and tells it back to whoever comes with it.
func (k *keeper) github(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/access_tokens") {
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"token": %q, "expires_at": %q}`, k.marked["token of the app"], time.Now().Add(time.Hour).Format(time.RFC3339))
		return
	}
	_, password, _ := r.BasicAuth()
	told := "GitHub says no: " + r.Header.Get("Authorization") + " " + password
	_, _ = fmt.Fprintf(w, "%04xERR %s\n", len(told)+9, told)
}

// signIn signs in as a browser does, and asks everything that a browser may,
// with the cookie that it was given.
func (k *keeper) signIn(base, token string) {
	k.Helper()
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	_, refused := k.request(http.MethodPost, base+"/signin", url.Values{"token": {"x" + token}}.Encode(), form)
	k.out["signing in, other"] = refused
	_, answer := k.request(http.MethodPost, base+"/signin", url.Values{"token": {token}}.Encode(), form)
	_, session, found := strings.Cut(string(answer), "policysync-session=")
	session, _, _ = strings.Cut(session, ";")
	if !found || len(session) < 20 {
		k.Fatalf("no session began: %s", answer)
	}
	k.out["signing in, right"] = []byte(strings.ReplaceAll(string(answer), session, "")) // who signs in has to be told
	k.marked["the session"] = session
	cookie := map[string]string{"Cookie": "policysync-session=" + session}
	for _, path := range []string{"/", "/targets/works", "/targets/denied/runs", "/nowhere"} {
		status, answer := k.request(http.MethodGet, base+path, "", cookie)
		if path != "/nowhere" && status != http.StatusOK {
			k.Errorf("GET %s signed in: %d", path, status)
		}
		k.out["GET "+path+" signed in"] = answer
	}
	for _, path := range []string{"/targets/works/sync", "/targets/works/suspend", "/signout"} {
		_, k.out["POST "+path+" signed in"] = k.request(http.MethodPost, base+path, "", cookie)
	}
}
