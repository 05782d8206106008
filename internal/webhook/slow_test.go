package webhook_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/webhook"
)

// oneConnection is a listener that hands out one connection.
type oneConnection struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l oneConnection) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l oneConnection) Close() error {
	close(l.closed)
	return nil
}

func (oneConnection) Addr() net.Addr { return &net.TCPAddr{} }

func TestWhoSendsTooSlowlyIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listening(t)
		here, there := net.Pipe()
		listener := oneConnection{make(chan net.Conn, 1), make(chan struct{})}
		listener.conn <- there
		server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()

		began := time.Now()
		go func() {
			_, _ = fmt.Fprint(here, "POST /webhooks/github HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{") // and nothing more
		}()
		answer, err := http.ReadResponse(bufio.NewReader(here), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if took := time.Since(began); answer.StatusCode != http.StatusBadRequest || took != 10*time.Second || w.seen[0].Result != webhook.Malformed {
			t.Errorf("answer %d after %s, observed %+v", answer.StatusCode, took, w.seen)
		}
		_ = here.Close()
		_ = server.Close()
		<-served
	})
}
