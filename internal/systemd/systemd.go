// Package systemd tells the service manager how the daemon is.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Manager is the service manager that started this process. The zero Manager
// is none, to which nothing is told.
type Manager struct {
	socket   string
	watchdog time.Duration // within which it wants signs of life; 0: it wants none
}

// Of returns the manager that the environment tells of, as sd_notify(3) and
// sd_watchdog_enabled(3) have it.
func Of(env func(string) (string, bool)) (Manager, error) {
	var m Manager
	m.socket, _ = env("NOTIFY_SOCKET")
	usec, _ := env("WATCHDOG_USEC")
	if pid, _ := env("WATCHDOG_PID"); usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return m, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 {
		return m, fmt.Errorf("WATCHDOG_USEC is %q: want microseconds: leave it to systemd", usec)
	}
	m.watchdog = time.Duration(n) * time.Microsecond
	return m, nil
}

// Attend tells the manager that the daemon is ready, then, while alive says so,
// that it lives, and when ctx ends that it stops. It returns then, with what became of
// the last sign of life, or at once where there is no manager or it can't be told that
// the daemon is ready.
func (m Manager) Attend(ctx context.Context, alive func() bool) error {
	if m.socket == "" {
		return nil
	}
	if err := m.tell("READY=1"); err != nil {
		return err
	}
	signs := m.signs()
	defer signs.Stop()
	var failed error
	for {
		select {
		case <-ctx.Done():
			return errors.Join(failed, m.tell("STOPPING=1"))
		case <-signs.C:
			if alive() {
				failed = m.tell("WATCHDOG=1")
			}
		}
	}
}

// signs tick when the manager wants a sign of life: twice in its time, so that
// one may come late.
func (m Manager) signs() *time.Ticker {
	const perTime = 2
	if m.watchdog/perTime <= 0 {
		silent := time.NewTicker(time.Hour)
		silent.Stop()
		return silent
	}
	return time.NewTicker(m.watchdog / perTime)
}

func (m Manager) tell(state string) error {
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd %s: %w: check NOTIFY_SOCKET, and that AF_UNIX is among RestrictAddressFamilies", state, err)
	}
	_, err = socket.Write([]byte(state))
	return errors.Join(err, socket.Close())
}
