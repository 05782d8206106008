package systemd_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/systemd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// manager is systemd's end of the socket.
func manager(t *testing.T) (socket *net.UnixConn, name string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "") //nolint:usetesting // t.TempDir's name may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	name = filepath.Join(dir, "notify")
	socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket, name
}

func said(t *testing.T, socket *net.UnixConn) string {
	t.Helper()
	text := make([]byte, 100)
	n, err := socket.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func of(t *testing.T, env map[string]string) systemd.Manager {
	t.Helper()
	m, err := systemd.Of(func(name string) (string, bool) { value, set := env[name]; return value, set })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSystemdIsToldOfTheDaemonsLife(t *testing.T) {
	t.Parallel()
	socket, name := manager(t)
	m := of(t, map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Attend(ctx, func() bool { return true }) }()
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := said(t, socket); got != want {
			t.Fatalf("it says %q, want %q", got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	got := said(t, socket)
	for got == "WATCHDOG=1" { // sent before
		got = said(t, socket)
	}
	if got != "STOPPING=1" {
		t.Errorf("in the end it says %q", got)
	}
}

// TestNoSignOfLifeComesFromWhatHasStalled is told apart by what comes next.
func TestNoSignOfLifeComesFromWhatHasStalled(t *testing.T) {
	t.Parallel()
	socket, name := manager(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	asked := 0
	m := of(t, map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000"})
	go func() {
		ended <- m.Attend(ctx, func() bool {
			if asked++; asked == 3 {
				cancel()
			}
			return false
		})
	}()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if first, second := said(t, socket), said(t, socket); first != "READY=1" || second != "STOPPING=1" {
		t.Errorf("it says %q and %q", first, second)
	}
}

func TestNobodyIsToldWhereThereIsNoSystemd(t *testing.T) {
	t.Parallel()
	never := func() bool { t.Error("asked whether it lives"); return true }
	if err := of(t, nil).Attend(t.Context(), never); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	socket, name := manager(t)
	others := of(t, map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}) // another process is watched
	if err := others.Attend(ctx, never); err != nil || said(t, socket) != "READY=1" {
		t.Errorf("error %v", err)
	}
}

func TestWhatSystemdCantBeToldIsAnError(t *testing.T) {
	t.Parallel()
	m := of(t, map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "none")})
	if err := m.Attend(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "check NOTIFY_SOCKET") {
		t.Errorf("error %v", err)
	}
	env := map[string]string{"WATCHDOG_USEC": "soon"}
	_, err := systemd.Of(func(name string) (string, bool) { value, set := env[name]; return value, set })
	if err == nil || !strings.Contains(err.Error(), `WATCHDOG_USEC is "soon"`) {
		t.Errorf("error %v", err)
	}
}
