package sqlite

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/policysync/policysync/internal/state"
)

// lock makes this the one writer of the file, or says at once who is.
func lock(path string) (*flock.Flock, error) {
	path += ".lock"
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	locked, err := l.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, fmt.Errorf("%w%s; stop it, or give this one another state file", state.ErrLocked, holder(path))
	}
	// Only a courtesy to whoever finds the file locked: without it the lock
	// holds no less, and where locks bar writing too it can't be had.
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	return l, nil
}

// holder names the process that wrote to the lock file, or nothing if the
// file doesn't tell.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
