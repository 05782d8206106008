package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/certificate"
	"github.com/policysync/policysync/internal/certificate/certificatetest"
	"github.com/policysync/policysync/internal/secret"
)

// pair is the files of a certificate.
type pair struct{ certificate, key string }

func newPair(t *testing.T, names ...string) pair {
	t.Helper()
	p := pair{filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")}
	p.write(t, names...)
	return p
}

func (p pair) write(t *testing.T, names ...string) {
	t.Helper()
	if err := certificatetest.Write(p.certificate, p.key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), names...); err != nil {
		t.Fatal(err)
	}
}

func (p pair) load() (*certificate.Files, error) {
	return certificate.Load(p.certificate, secret.Source{File: p.key})
}

// served starts a server with the certificate, which answers with ok.
func served(t *testing.T, f *certificate.Files) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	server.Listener = tls.NewListener(server.Listener, f.TLS()) // StartTLS would show a certificate of its own
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// seen returns for whom the certificate vouches that a server shows.
func seen(t *testing.T, server *httptest.Server) string {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	secure, ok := conn.(*tls.Conn)
	if !ok {
		t.Fatalf("a %T", conn)
	}
	return strings.Join(certificate.Names(secure.ConnectionState().PeerCertificates[0]), " ")
}

func TestARenewedCertificateIsShownFromTheNextHandshakeOn(t *testing.T) {
	t.Parallel()
	p := newPair(t, "one.example.com")
	f, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	server := served(t, f)
	if got := seen(t, server); got != "one.example.com" {
		t.Errorf("at first it is of %s", got)
	}
	p.write(t, "two.example.com", "127.0.0.1")
	if f.Changed() || seen(t, server) != "one.example.com" {
		t.Error("taken before it has settled")
	}
	if !f.Changed() {
		t.Error("the change isn't seen")
	}
	if err := f.Renew(); err != nil {
		t.Fatal(err)
	}
	if got := seen(t, server); got != "two.example.com 127.0.0.1" || f.Leaf().DNSNames[0] != "two.example.com" {
		t.Errorf("then it is of %s", got)
	}
	for range 2 {
		if f.Changed() {
			t.Error("it changes once more")
		}
	}
}

func TestABrokenPairLeavesTheLastInForceAndTellsNothingOfTheKey(t *testing.T) {
	t.Parallel()
	read := func(file string) []byte {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	other := newPair(t, "other.example.com")
	for name, tc := range map[string]struct {
		certificate, key []byte // nil: none
		want             string
	}{
		"no certificate":      {nil, read(other.key), "read certificate: open "},
		"no key":              {read(other.certificate), nil, "read the certificate's key: read secret: open "},
		"an empty key":        {read(other.certificate), []byte{}, "is empty"},
		"a key of another":    {read(other.certificate), read(newPair(t, "x").key), "private key does not match public key"},
		"half a certificate":  {read(other.certificate)[:100], read(other.key), "failed to find any PEM data in certificate input"},
		"half a key":          {read(other.certificate), read(other.key)[:100], "failed to find any PEM data in key input"},
		"key and certificate": {read(other.key), read(other.certificate), "PEM inputs may have been switched"},
		"a spoilt key":        {read(other.certificate), []byte(strings.Replace(string(read(other.key)), "M", "N", 1)), "failed to parse private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, "one.example.com")
			f, err := p.load()
			if err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string][]byte{p.certificate: tc.certificate, p.key: tc.key} {
				if text == nil {
					err = os.Remove(file)
				} else {
					err = os.WriteFile(file, text, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			err = f.Renew()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			for line := range strings.Lines(string(tc.key)) {
				if !strings.HasPrefix(line, "-") && strings.Contains(err.Error(), strings.TrimSpace(line)) {
					t.Errorf("%v tells of the key", err)
				}
			}
			if got := seen(t, served(t, f)); got != "one.example.com" {
				t.Errorf("it shows the one of %s", got)
			}
			if _, err := p.load(); err == nil {
				t.Error("a server begins with it")
			}
		})
	}
}

func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	t.Parallel()
	f, err := newPair(t, "127.0.0.1").load()
	if err != nil {
		t.Fatal(err)
	}
	server := served(t, f)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}}
		conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func TestWhoHasTheFileRecognisesTheServer(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"policysync.example.com"}, {"*.example.com"}, {"192.0.2.1"}, {"127.0.0.1", "policysync.example.com"}} {
		p, stranger := newPair(t, names...), newPair(t, names...)
		f, err := p.load()
		if err != nil {
			t.Fatal(err)
		}
		for file, trusted := range map[string]bool{p.certificate: true, stranger.certificate: false} {
			known, err := certificate.Recognise(file)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: known}}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(served(t, f).URL, "http:", "https:", 1), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err == nil {
				_ = response.Body.Close()
			}
			if unknown, _ := errors.AsType[x509.UnknownAuthorityError](err); trusted != (err == nil) || !trusted && unknown.Cert == nil {
				t.Errorf("%v, trusted: %t: %v", names, trusted, err)
			}
			client.CloseIdleConnections()
		}
	}
}

func TestRecogniseSaysWhatIsWrongWithTheFile(t *testing.T) {
	t.Parallel()
	p := newPair(t, "x")
	for file, want := range map[string]string{p.key: "there is no certificate in it, in PEM", p.key + "?": "no such file"} {
		if _, err := certificate.Recognise(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestACertificateEndsSoonWithASixthOfItsTimeLeft(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		lasts, after time.Duration
		want         bool
	}{
		{90 * day, 0, false},
		{90 * day, 74 * day, false},
		{90 * day, 76 * day, true},
		{90 * day, 91 * day, true},
		{6 * day, 4 * day, false},
		{6 * day, 5*day + time.Hour, true},
	} {
		c := &x509.Certificate{NotBefore: from, NotAfter: from.Add(tc.lasts)}
		if got := certificate.Ending(c, from.Add(tc.after)); got != tc.want {
			t.Errorf("one for %s, after %s: %t", tc.lasts, tc.after, got)
		}
	}
}

func TestNothingOfAKeyIsInAnyText(t *testing.T) {
	t.Parallel()
	p := newPair(t, "one.example.com")
	const marker = "MARKED-key-0123456789abcdef"
	for _, text := range []string{marker, "-----BEGIN PRIVATE KEY-----\n" + base64.StdEncoding.EncodeToString([]byte(marker)) + "\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(p.key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := p.load(); err == nil || strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "TUFSS0VE") {
			t.Errorf("got %v", err)
		}
	}
}
