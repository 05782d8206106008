package source

import (
	"context"
	"fmt"
	"net"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// dial connects to host:port. The connection is closed when ctx ends, which
// ends whatever waits for it; stop is to be called when it isn't needed any more.
func dial(ctx context.Context, host string) (conn net.Conn, stop func(), err error) {
	conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, nil, err
	}
	unwatch := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() {
		unwatch()
		_ = conn.Close()
	}, nil
}

// openDaemon makes ready for a conversation with git-daemon.
func (r *remote) openDaemon(ctx context.Context) *streamSession {
	return &streamSession{start: func() (stream, error) {
		conn, stop, err := dial(ctx, r.address.host())
		if err != nil {
			return nil, err
		}
		hello := packp.GitProtoRequest{
			RequestCommand: transport.UploadPackServiceName, Pathname: r.address.endpoint.Path, Host: r.address.host(),
		}
		if err := hello.Encode(conn); err != nil {
			stop()
			return nil, fmt.Errorf("greet git-daemon: %w", err)
		}
		return daemonStream{conn, stop}, nil
	}}
}

type daemonStream struct {
	net.Conn
	stop func()
}

// Close closes the connection.
func (d daemonStream) Close() error {
	d.stop()
	return nil
}

func (daemonStream) because(err error) error { return err }
