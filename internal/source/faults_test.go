package source_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/source"
)

// fault is what becomes of what a server says from some byte on.
type fault func(client *net.TCPConn, server io.Reader)

// flow passes n bytes on and reports whether there were so many.
func flow(client io.Writer, server io.Reader, n int64) bool {
	_, err := io.CopyN(client, server, n)
	return err == nil
}

func cutAfter(n int64) fault {
	return func(client *net.TCPConn, server io.Reader) {
		flow(client, server, n)
		_ = client.SetLinger(0) // a reset
		_ = client.Close()
	}
}

// closeHalfAfter says no more, and still listens.
func closeHalfAfter(n int64) fault {
	return func(client *net.TCPConn, server io.Reader) {
		flow(client, server, n)
		_ = client.CloseWrite()
		_, _ = io.Copy(io.Discard, server)
	}
}

func silentAfter(n int64) fault {
	return func(client *net.TCPConn, server io.Reader) {
		flow(client, server, n)
		_, _ = io.Copy(io.Discard, server)
	}
}

func corruptAt(n int64) fault {
	return func(client *net.TCPConn, server io.Reader) {
		if b := make([]byte, 1); flow(client, server, n) {
			_, _ = io.ReadFull(server, b)
			b[0] ^= 0x11
			_, _ = client.Write(b)
		}
		_, _ = io.Copy(client, server)
		_ = client.CloseWrite()
	}
}

// slow passes on a piece at each tick.
func slow(piece int64, every time.Duration) fault {
	return func(client *net.TCPConn, server io.Reader) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for flow(client, server, piece) {
			<-tick.C
		}
		_ = client.CloseWrite()
	}
}

// through returns the host:port of a proxy that leads to another one, and does
// what is wrong to each connection.
func through(t testing.TB, to string, wrong fault) string {
	t.Helper()
	ctx := t.Context()
	return serve(t, func(client *net.TCPConn) {
		server, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
		if err != nil {
			_ = client.Close()
			return
		}
		var back sync.WaitGroup
		back.Go(func() { wrong(client, server) })
		_, _ = io.Copy(server, client)
		_ = server.Close()
		_ = client.Close()
		back.Wait()
	})
}

// faulty returns options for each way to a repository, with a proxy in it.
func faulty(t *testing.T, r *repository, wrong fault) map[string]source.Options {
	t.Helper()
	web := newServer(t, r)
	daemon := gitDaemon(t, r)
	all := map[string]source.Options{"http": {URL: web.repo()}, "git": {URL: daemon}}
	for _, ssh := range bySSH(t, r, wrong) {
		all["ssh"] = ssh
	}
	for way, o := range all {
		o.Branch, o.CacheDir, o.Timeout = "main", t.TempDir(), time.Second
		if before, rest, found := strings.Cut(o.URL, "://127.0.0.1:"); found {
			port, path, _ := strings.Cut(rest, "/")
			o.URL = before + "://" + through(t, "127.0.0.1:"+port, wrong) + "/" + path
		}
		all[way] = o
	}
	return all
}

// However a server fails, what is fetched is the commit or an error, within the
// timeout; that nobody is left waiting, TestMain sees to.
func TestBrokenServerGivesTheCommitOrAnError(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": scramble(1 << 15)}
	for name, wrong := range map[string]func(int64) fault{
		"reset": cutAfter, "half-closed": closeHalfAfter, "silent": silentAfter, "corrupt": corruptAt,
	} {
		for _, at := range []int64{0, 70, 600, 2500, 20_000} {
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				t.Parallel()
				r := newRepository(t, want)
				for way, o := range faulty(t, r, wrong(at)) {
					s, err := newGit(t, o).Fetch(t.Context())
					switch {
					case err == nil:
						wantFiles(t, s, want)
					case strings.ContainsAny(err.Error(), "\r\n") || errors.Is(err, t.Context().Err()):
						t.Errorf("%s: error %q", way, err)
					}
					if err == nil && name != "corrupt" && at < 20_000 {
						t.Errorf("%s: no error", way)
					}
				}
			})
		}
	}
}

// A minute is how long a server may be silent, and not how long it may take.
func TestSlowServerIsWaitedForAsLongAsItSpeaks(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": scramble(1 << 15)}
	r := newRepository(t, want)
	for way, o := range faulty(t, r, slow(1000, 25*time.Millisecond)) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			o.Timeout = 800 * time.Millisecond
			if way == "ssh" {
				o.Timeout = 10 * time.Second // to greet each other counts as one silence
			}
			wantFiles(t, fetch(t, newGit(t, o)), want)
		})
	}
}
