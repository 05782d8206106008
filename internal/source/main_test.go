package source_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// behindProxy has what the proxy of the environment leads to, by host, with the
// port where that is asked for by CONNECT. (It is
// not asked for what is on 127.0.0.1.)
var behindProxy sync.Map

// TestMain keeps the machine's Git settings and OpenPGP keys out of the tests,
// makes the certificate of httptest a trusted one and a proxy the environment's,
// and fails when a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if handler, found := behindProxy.Load(q.URL.Host); found {
			handler.(http.Handler).ServeHTTP(w, q)
		}
	}))
	dir, err := prepare(proxy.URL)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(), goleak.Cleanup(func(code int) {
		proxy.Close()
		_ = os.RemoveAll(dir) // which also ends GnuPG's agent
		os.Exit(code)
	}))
}

// prepare sets the environment and returns the folder that it refers to.
func prepare(proxy string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "source"); err != nil {
		return "", err
	}
	certificate, err := writeCertificate(dir)
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "SSL_CERT_FILE": certificate, "LC_ALL": "C",
		"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": "", "GNUPGHOME": dir, // whose path is short enough for its agent's sockets
	} {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return dir, err
}

func writeCertificate(dir string) (string, error) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	name := filepath.Join(dir, "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	return name, os.WriteFile(name, pem.EncodeToMemory(block), 0o600)
}
