package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/lookout"
)

// reload is how the config is read once more; the zero one: there is no file.
type reload struct {
	file string
	read func() (*config.Config, error)
	seen *lookout.Lookout
}

// reloads returns how the config that load will read is read once more.
func (a *app) reloads(c *cobra.Command) (reload, error) {
	file, err := config.Find(a.flags.config)
	if err != nil || file == "" {
		return reload{}, err
	}
	a.flags.config = file // also when another comes to be found first
	return reload{file, func() (*config.Config, error) { return a.load(c) }, lookout.New(file)}, nil
}

// follow reads the config and the server's certificate once more at each hangup,
// and when their files have changed, until ctx ends.
func (s *service) follow(ctx context.Context, again reload, hangups <-chan os.Signal) {
	look := time.NewTicker(lookout.Every)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			s.renew()
			if again.file == "" {
				s.sink.Emit(event.Warned{Message: "SIGHUP: there is no config file to read once more; flags take effect at a restart"})
				continue
			}
			again.seen.Take()
			s.reload(ctx, again)
		case <-look.C:
			if again.file != "" && again.seen.Changed() {
				s.reload(ctx, again)
			}
			if s.certificate != nil && s.certificate.Changed() {
				s.renew()
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
