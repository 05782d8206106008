package main

import (
	"context"
	"crypto/sha256"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
)

// lookEvery is how often the config file is looked at. Nothing tells of changes
// as surely on every file system, through every way to replace a file.
const lookEvery = 2 * time.Second

// reload is how the config is read once more; the zero one: there is no file.
type reload struct {
	file string
	read func() (*config.Config, error)
	seen *lookout
}

// reloads returns how the config that load will read is read once more.
func (a *app) reloads(c *cobra.Command) (reload, error) {
	file, err := config.Find(a.flags.config)
	if err != nil || file == "" {
		return reload{}, err
	}
	a.flags.config = file // also when another comes to be found first
	return reload{file, func() (*config.Config, error) { return a.load(c) }, watch(file)}, nil
}

// follow reads the config once more at each hangup, and when its file has
// changed, until ctx ends.
func (s *service) follow(ctx context.Context, again reload, hangups <-chan os.Signal) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			if again.file == "" {
				s.sink.Emit(event.Warned{Message: "SIGHUP: there is no config file to read once more; flags take effect at a restart"})
				continue
			}
			again.seen.take()
			s.reload(ctx, again)
		case <-look.C:
			if again.file != "" && again.seen.changed() {
				s.reload(ctx, again)
			}
		}
	}
}

// reload puts the config as it is now into force, or tells why it is refused.
func (s *service) reload(ctx context.Context, again reload) {
	cfg, err := again.read()
	if err == nil {
		err = s.replace(ctx, cfg, again.file)
	}
	if err != nil {
		s.sink.Emit(event.Configured{Err: err, At: time.Now(), File: again.file})
	}
}

// lookout looks at a file for changes: of what is in it, wherever
// it lies, so that links may be turned, as Kubernetes does with what it mounts.
type lookout struct {
	path        string
	taken, last fingerprint
}

// fingerprint is what a file holds, or why it can't be read.
type fingerprint [sha256.Size]byte

func watch(path string) *lookout {
	l := &lookout{path: path}
	l.take()
	return l
}

// take remembers what the file holds now as what was read.
func (l *lookout) take() {
	l.last = l.look()
	l.taken = l.last
}

// changed reports whether the file holds something that was not read yet, and
// takes it for read. It must have held that at the last look, too: else somebody
// may still be writing.
func (l *lookout) changed() bool {
	now := l.look()
	settled := now == l.last
	l.last = now
	if !settled || now == l.taken {
		return false
	}
	l.taken = now
	return true
}

func (l *lookout) look() fingerprint {
	text, err := os.ReadFile(l.path)
	if err != nil {
		text = []byte("can't be read: " + err.Error())
	}
	return sha256.Sum256(text)
}
