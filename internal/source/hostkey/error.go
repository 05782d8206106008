package hostkey

import (
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// Error says that a server isn't known to be the one that it should be.
type Error struct {
	File    string                 // the known_hosts file
	Address string                 // host:port that was asked for
	Shown   ssh.PublicKey          // what the server shows
	Known   []xknownhosts.KnownKey // the keys that the file has of it, in the file's order
	Revoked int                    // the file's line that revokes what is shown; 0: none does

	cause error
}

// Error says in one line what was shown, what was expected and where that
// stands, and by which command the file is set right.
func (e *Error) Error() string {
	shown := describe(e.Shown)
	if e.Revoked > 0 {
		return fmt.Sprintf("the server shows %s, which %s:%d marks as revoked: ask its operators; don't connect", shown, e.File, e.Revoked)
	}
	if certificate, ok := e.Shown.(*ssh.Certificate); ok {
		return fmt.Sprintf("the server shows a certificate of the authority %s, which is not accepted: %s: compare with @cert-authority in %s",
			describe(certificate.SignatureKey), strings.TrimPrefix(e.cause.Error(), "ssh: "), e.File)
	}
	for _, known := range e.Known {
		if known.Key.Type() == e.Shown.Type() {
			return fmt.Sprintf("HOST KEY MISMATCH: the server shows %s, but %s:%d has %s: somebody may be in between. "+
				"Only if its operators confirm the new fingerprint: ssh-keygen -R %s -f %s, then %s",
				shown, e.File, known.Line, ssh.FingerprintSHA256(known.Key), quote(e.name()), quote(e.File), e.scan())
		}
	}
	return fmt.Sprintf("%s has %s, and the server shows %s: if its operators confirm that fingerprint: %s", e.File, e.lacks(), shown, e.scan())
}

// lacks says which keys of the server the file has.
func (e *Error) lacks() string {
	if len(e.Known) == 0 {
		return "no key of " + e.name()
	}
	return fmt.Sprintf("only another type of key of %s (%s, line %d)", e.name(), e.Known[0].Key.Type(), e.Known[0].Line)
}

// Unwrap returns what the check itself gave.
func (e *Error) Unwrap() error { return e.cause }

// name is how the file writes the server: host, or [host]:port.
func (e *Error) name() string { return xknownhosts.Normalize(e.Address) }

// scan is the command that adds the server's key of the type shown.
func (e *Error) scan() string {
	host, port, err := net.SplitHostPort(e.Address)
	if err != nil {
		host = e.Address
	}
	option := ""
	if port != "" && port != "22" {
		option = "-p " + port + " "
	}
	return fmt.Sprintf("ssh-keyscan %s-t %s %s >> %s", option, kind(e.Shown), host, quote(e.File))
}

// kind is what ssh-keyscan calls the type of a key.
func kind(key ssh.PublicKey) string {
	name := strings.TrimPrefix(key.Type(), "ssh-")
	if strings.HasPrefix(name, "ecdsa-") {
		return "ecdsa"
	}
	return name
}

func describe(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

// quote makes a shell take text as one word.
func quote(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return strings.ContainsRune(" '\"\\$`[]*?&;<>|()!~#", c) }) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
