package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
)

// freezer is the daemon's web.Freezer.
type freezer struct {
	cfg    *config.Config
	daemon *daemon.Daemon
	sink   event.Sink
}

// InForce returns the switches of the config, the environment and the file.
func (f freezer) InForce() []guard.Freeze { return frozen(f.cfg) }

// Freeze sets those of the file, says so, and has the targets do what was held
// back until now.
func (f freezer) Freeze(set []guard.Switch, reason string) error {
	if err := freezeFile(f.cfg).Set(set, reason, time.Now()); err != nil {
		return err
	}
	f.sink.Emit(event.Warned{Message: fmt.Sprintf("the API set the freeze switches to %s: %q", list(set), reason)})
	f.daemon.Wake(event.Retry)
	return nil
}

func list(set []guard.Switch) string {
	if len(set) == 0 {
		return "none"
	}
	names := make([]string, len(set))
	for i, s := range set {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
