package source_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// serve listens on a port of 127.0.0.1 and hands each connection to do, which
// closes it. It returns host:port.
func serve(t testing.TB, do func(*net.TCPConn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { do(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return listener.Addr().String()
}

// inetd serves by a program for each connection, as inetd(8) did.
func inetd(t testing.TB, program string, args func() []string) string {
	t.Helper()
	ctx := t.Context() // ends before what Cleanup does
	return serve(t, func(conn *net.TCPConn) {
		file, err := conn.File()
		_ = conn.Close() // the program has it
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = file.Close() }()
		c := exec.CommandContext(ctx, program, args()...)
		var words bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = file, file, &words
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		if err := c.Run(); err != nil && ctx.Err() == nil && words.Len() > 0 {
			t.Logf("%s: %v: %s", program, err, words.String())
		}
	})
}

// gitDaemon serves the repository by git://, and returns its URL.
func gitDaemon(t testing.TB, r *repository) string {
	t.Helper()
	return "git://" + inetd(t, "git", func() []string {
		return []string{"daemon", "--inetd", "--export-all", "--base-path=" + filepath.Dir(r.dir)}
	}) + "/access.git"
}
