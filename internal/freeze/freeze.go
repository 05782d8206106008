// Package freeze keeps, in a file, the freeze switches that are set while
// policysync runs: by an operator in a hurry, or through the API.
//
//	# by ann@example.com through the API at 2026-11-23T18:00:00Z
//	# an incident, see chat
//	deletes, widening
package freeze

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/policysync/policysync/internal/guard"
)

// File is the path of such a file. There need be none: nothing is frozen then.
// Its methods may be called concurrently, and by several processes.
type File string

// maxSize is the size of the largest file read, in bytes.
const maxSize = 64 << 10

// InForce returns the switches that the file sets, sorted. Whatever is doubtful
// counts as all: a file without words, as `touch` makes it, a word that is no
// switch, and a file that can't be read or is larger than 64 KiB.
func (f File) InForce() []guard.Freeze {
	text, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.all("which can't be read: " + reason(err))
	}
	var set []guard.Freeze
	for _, word := range words(text) {
		var s guard.Switch
		if err := s.UnmarshalText([]byte(word)); err != nil {
			return f.all("where " + err.Error())
		}
		set = append(set, guard.Freeze{Switch: s, Where: string(f)})
	}
	if len(set) == 0 {
		return f.all("which is empty")
	}
	slices.SortFunc(set, func(a, b guard.Freeze) int { return strings.Compare(string(a.Switch), string(b.Switch)) })
	return slices.Compact(set)
}

func (f File) all(why string) []guard.Freeze {
	return []guard.Freeze{{Switch: guard.FreezeAll, Where: string(f) + ", " + why}}
}

func (f File) read() (string, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if len(text) > maxSize {
		err = errors.New("it is larger than 64 KiB")
	}
	return string(text), errors.Join(err, file.Close())
}

// reason returns an error without the path, which is told anyway.
func reason(err error) string {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err.Error()
	}
	return err.Error()
}

// words returns the words of a text: between blanks and commas, outside of
// comments.
func words(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		all = append(all, strings.FieldsFunc(line, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })...)
	}
	return all
}

// Set puts these switches in place of those that the file sets, whole or not
// at all; none removes the file. The reason, and by whom, are kept in it as comments.
func (f File) Set(set []guard.Switch, reason, by string, at time.Time) error {
	err := f.set(set, reason, by, at)
	if err != nil {
		return fmt.Errorf("set freeze switches: %w", err)
	}
	return nil
}

func (f File) set(set []guard.Switch, reason, by string, at time.Time) error {
	if len(set) == 0 {
		if err := os.Remove(string(f)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "# by %s through the API at %s\n", oneLine(cmp.Or(by, "somebody")), at.UTC().Format(time.RFC3339))
	if reason = oneLine(reason); reason != "" {
		fmt.Fprintln(&text, "#", reason)
	}
	for _, s := range set {
		fmt.Fprintln(&text, s)
	}
	next, err := os.CreateTemp(filepath.Dir(string(f)), ".freeze-*")
	if err != nil {
		return err
	}
	_, err = next.Write(text.Bytes())
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), string(f))
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}

// oneLine keeps a reason from being anything but a comment.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
}
