package source

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"github.com/policysync/policysync/internal/source/hostkey"
)

// openSSH logs in and makes ready for a conversation. Nothing but the files of
// the options is looked at: no agent, no ~/.ssh, no proxy.
func (r *remote) openSSH(ctx context.Context) (session *streamSession, release func(), err error) {
	config, err := r.sshConfig()
	if err != nil {
		return nil, nil, told{err}
	}
	conn, stop, err := dial(ctx, r.address.host())
	if err != nil {
		return nil, nil, err
	}
	connection, channels, requests, err := ssh.NewClientConn(conn, r.address.host(), config.ClientConfig)
	if err != nil {
		stop()
		return nil, nil, config.explain(err)
	}
	client := ssh.NewClient(connection, channels, requests)
	release = func() {
		stop()
		_ = client.Wait() // it was closed
	}
	return &streamSession{start: func() (stream, error) { return startSSH(client, r.address.endpoint.Path) }}, release, nil
}

// sshLogin is how one connection is made.
type sshLogin struct {
	*ssh.ClientConfig
	key  ssh.PublicKey
	file string // where the private half is
}

func (r *remote) sshConfig() (sshLogin, error) {
	known, err := hostkey.Read(r.knownHosts)
	if err != nil {
		return sshLogin{}, err
	}
	signer, err := r.sshKey()
	if err != nil {
		return sshLogin{}, err
	}
	return sshLogin{&ssh.ClientConfig{
		User: cmp.Or(r.address.username, r.username, defaultUsername), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: known.Check, HostKeyAlgorithms: known.Algorithms(r.address.host()),
	}, signer.PublicKey(), r.sshKeyFile.File}, nil
}

// sshKey reads the private key as it is now. No error has a part of it.
func (r *remote) sshKey() (ssh.Signer, error) {
	text, err := r.sshKeyFile.Read()
	if err != nil {
		return nil, fmt.Errorf("read ssh_key_file: %w", err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(text.Reveal()))
	_, encrypted := errors.AsType[*ssh.PassphraseMissingError](err)
	switch {
	case encrypted && r.passphrase.IsZero():
		return nil, fmt.Errorf("the key in %s is encrypted: name the file with its passphrase in ssh_passphrase_file", r.sshKeyFile.File)
	case encrypted:
		signer, err = r.decrypted(text.Reveal())
	}
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, fmt.Errorf("ssh_passphrase_file doesn't have the passphrase of the key in %s", r.sshKeyFile.File)
	case err != nil && strings.HasPrefix(text.Reveal(), "ssh-"):
		return nil, fmt.Errorf("%s has a public key: name the private one, without .pub", r.sshKeyFile.File)
	case err != nil:
		return nil, fmt.Errorf("%s has no private key in OpenSSH's or PEM form (%w): `ssh-keygen -p -f FILE` writes other forms anew", r.sshKeyFile.File, err)
	}
	return signer, nil
}

func (r *remote) decrypted(key string) (ssh.Signer, error) {
	passphrase, err := r.passphrase.Read()
	if err != nil {
		return nil, fmt.Errorf("read ssh_passphrase_file: %w", err)
	}
	return ssh.ParsePrivateKeyWithPassphrase([]byte(key), []byte(passphrase.Reveal()))
}

// explain says what to do about a connection that was not made.
func (l sshLogin) explain(err error) error {
	if unknown, ok := errors.AsType[*hostkey.Error](err); ok {
		return told{unknown}
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return told{fmt.Errorf("the server refused the key %s %s for user %s: give that user, or the repository, its public half, which `ssh-keygen -y -f %s` prints",
			l.key.Type(), ssh.FingerprintSHA256(l.key), l.User, l.file)}
	}
	return err
}

// sshStream is a git-upload-pack at the other end of an ssh connection.
type sshStream struct {
	*ssh.Session
	io.Reader
	io.Writer
	said *beginning
}

func startSSH(client *ssh.Client, path string) (stream, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	in, inErr := session.StdinPipe()
	out, outErr := session.StdoutPipe()
	said := &beginning{}
	session.Stderr = said
	// The server's shell takes the path apart: it is one word (sq_quote_buf in
	// git's quote.c).
	word := "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
	if err := errors.Join(inErr, outErr, session.Start(transport.UploadPackServiceName+" "+word)); err != nil {
		return nil, fmt.Errorf("start git-upload-pack: %w", err)
	}
	return sshStream{session, out, in, said}, nil
}

// Close ends the git-upload-pack.
func (s sshStream) Close() error {
	_ = s.Session.Close() // it may have ended by itself
	return nil
}

// because waits for a server that said nothing to Git to end, and returns what
// it said to people instead.
func (s sshStream) because(err error) error {
	if !errors.Is(err, packp.ErrEmptyInput) {
		return err
	}
	_ = s.Wait() // how it ended says less than its words
	if words := s.said.String(); words != "" {
		return fmt.Errorf("the server said: %s", words)
	}
	return err
}

// beginning keeps the first bytes of what is written, and takes all of it.
type beginning struct{ strings.Builder }

// Write never fails.
func (b *beginning) Write(p []byte) (int, error) {
	const most = 4 << 10
	b.Builder.Write(p[:min(len(p), most-b.Len())])
	return len(p), nil
}
