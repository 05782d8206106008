// Command policysync keeps Cloudflare Access reusable policies as declared in
// Git.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // CRON_TZ must work where the system has no time zones, as in a bare image
)

func main() {
	tuneGC()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}, os.Args[1:])
	stop()
	os.Exit(code)
}

// gcPercent has the garbage collector run a little more often than Go's 100
// would, so that 10,000 policies fit into 150 MB (docs/performance.md).
const gcPercent = 70

// tuneGC leaves the choice to GOGC where that is set.
func tuneGC() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
}

// app is the world that commands act on, and the flags that they share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	flags          flags
}

// Exit codes.
const (
	exitDone    = 0
	exitError   = 1
	exitChanges = 2
	exitPartial = 3
	exitBlocked = 4
)

// meaning is what an exit code says.
type meaning struct {
	code     int
	commands string // those that end with it
	says     string
}

// exitCodes returns what each exit code says.
func exitCodes() []meaning {
	return []meaning{
		{exitDone, "all", "what was asked for is done"},
		{exitError, "all", "an error; for validate mistakes, for health a daemon that is not alive, for history --verify a file that isn't as it was written"},
		{exitChanges, "plan --detailed-exitcode", "there are changes"},
		{exitPartial, "apply, sync", "some changes were not made"},
		{exitBlocked, "apply, sync", "a guard held changes back"},
	}
}

// exit is an error that ends the program with that code. What it wraps is
// printed; nil prints nothing.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// run runs one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitError
	if ended, ok := errors.AsType[*exit](err); ok {
		code, err = ended.code, ended.err
	}
	if err != nil {
		a.complain("Error: %s\n", err)
	}
	return code
}

// say writes data for whoever called the command.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stdout, format, args...) // a closed pipe: nobody listens any more
}

// complain writes what isn't data.
func (a *app) complain(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, format, args...) // likewise
}
