package signature

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// allowedSigner is a line of an allowed_signers file (ALLOWED SIGNERS in
// ssh-keygen(1), sshsig.c in OpenSSH).
type allowedSigner struct {
	principals    []string // patterns
	key           ssh.PublicKey
	authority     bool      // the key signs certificates, and nothing else
	namespaces    []string  // patterns; nil: all
	after, before time.Time // both inclusive; zero: no limit
}

// parseAllowedSigner reads a line that is neither empty nor a comment.
func parseAllowedSigner(line string) (*allowedSigner, error) {
	principals, rest := cutPrincipals(line)
	s := &allowedSigner{principals: strings.Split(principals, ",")}
	if slices.Contains(s.principals, "") || rest == "" {
		return nil, errors.New("the line must be principals, options and a key")
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return nil, fmt.Errorf("there is no public key after the principals and options (%s)", printable(err.Error()))
	}
	s.key = key
	given := map[string]bool{}
	for _, option := range options {
		name, value, valued := strings.Cut(option, "=")
		name = strings.ToLower(name)
		if given[name] {
			return nil, fmt.Errorf("option %q is given twice", name)
		}
		given[name] = true
		if name == "cert-authority" && !valued {
			s.authority = true
			continue
		}
		if err := s.set(name, value); err != nil {
			return nil, err
		}
	}
	if given["valid-after"] && given["valid-before"] && !s.before.After(s.after) {
		return nil, errors.New("valid-before is not after valid-after")
	}
	return s, nil
}

// cutPrincipals returns the first word, which may be in quotes, and what follows.
func cutPrincipals(line string) (principals, rest string) {
	if quoted, is := strings.CutPrefix(line, `"`); is {
		principals, rest, _ = strings.Cut(quoted, `"`)
		return principals, strings.TrimLeft(rest, " \t")
	}
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return line, ""
	}
	return line[:end], strings.TrimLeft(line[end:], " \t")
}

// set takes an option that has a value.
func (s *allowedSigner) set(name, value string) (err error) {
	text, quoted := dequote(value)
	switch {
	case !slices.Contains([]string{"namespaces", "valid-after", "valid-before"}, name):
		return fmt.Errorf("option %q is unknown", name)
	case !quoted:
		return fmt.Errorf("option %q needs a value in quotes", name)
	case name == "namespaces":
		s.namespaces = strings.Split(text, ",")
	case name == "valid-after":
		s.after, err = parseTime(text)
	default:
		s.before, err = parseTime(text)
	}
	return err
}

// dequote takes a value out of its quotes, and \" for " in it.
func dequote(value string) (text string, quoted bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	return strings.ReplaceAll(value[1:len(value)-1], `\"`, `"`), true
}

// parseTime reads a time as ssh-keygen does: in the machine's time zone, unless
// Z or UTC follows it.
func parseTime(text string) (time.Time, error) {
	digits, zone := strings.ToUpper(text), time.Local
	for _, utc := range []string{"Z", "UTC"} {
		if before, is := strings.CutSuffix(digits, utc); is {
			digits, zone = before, time.UTC
			break
		}
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil && len(digits) == len(layout) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q is not YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z for UTC", text)
}

// principalOf reports whether the line is about the key, and whose it then is:
// for a certificate, the first of its principals that the authority vouches for
// and the line is for; "" is none.
func (s *allowedSigner) principalOf(key ssh.PublicKey, at time.Time) (principal string, listed bool) {
	certificate, certified := key.(*ssh.Certificate)
	if !s.authority {
		i := slices.IndexFunc(s.principals, func(p string) bool { return p[0] != '!' && matches(p, s.principals) })
		return elementOf(s.principals, i), i >= 0 && same(s.key, key)
	}
	if !certified || !same(s.key, certificate.SignatureKey) {
		return "", false
	}
	checker := ssh.CertChecker{Clock: func() time.Time { return at }}
	i := slices.IndexFunc(certificate.ValidPrincipals, func(p string) bool {
		return certificate.CertType == ssh.UserCert && matches(p, s.principals) && checker.CheckCert(p, certificate) == nil
	})
	return elementOf(certificate.ValidPrincipals, i), true
}

// elementOf returns an element, or "" where there is none.
func elementOf(list []string, i int) string {
	if i < 0 {
		return ""
	}
	return list[i]
}

func same(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// matches reports whether a pattern matches and none after "!" does (PATTERNS in
// ssh_config(5)).
func matches(text string, patterns []string) bool {
	found := false
	for _, pattern := range patterns {
		wanted, negated := strings.CutPrefix(pattern, "!")
		if !wildcard(wanted, text) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

func wildcard(pattern, text string) bool {
	quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	matched, err := regexp.MatchString("(?s)^"+quoted+"$", text)
	return err == nil && matched
}
