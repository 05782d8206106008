package audit

import (
	"errors"
	"fmt"
	"io"

	"github.com/policysync/policysync/internal/state"
)

// Verifier checks that lines are as they were written. Its zero value is one for
// files of which the state is not at hand.
type Verifier struct {
	Known state.AuditEnd // the last line, or one of the last, as the state knows it

	first, last link
	lines       int
	cut         []string
}

// Break says where the chain of lines breaks.
type Break struct {
	File string
	Line int // of the file, from 1; 0: its end
	Err  error
}

// Error says where and why.
func (b *Break) Error() string {
	if b.Line == 0 {
		return fmt.Sprintf("%s: %s", b.File, b.Err)
	}
	return fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.Err)
}

// Unwrap returns Err.
func (b *Break) Unwrap() error { return b.Err }

// File checks the lines of one file; those that were moved away come before
// the one that is written to, the oldest first. A *Break says where the chain
// breaks; other errors are the reader's.
func (v *Verifier) File(name string, r io.Reader) error {
	n := 0
	for t, err := range lines(r) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		n++
		found, err := unseal(t.bytes)
		if errors.Is(err, errNoLine) {
			v.cut = append(v.cut, fmt.Sprintf("%s:%d", name, n))
			continue
		}
		if err == nil {
			err = v.take(found)
		}
		if err != nil {
			return &Break{name, n, err}
		}
	}
	return nil
}

// take takes a line that is whole as the next one.
func (v *Verifier) take(next link) error {
	switch {
	case v.lines == 0 && next.Seq == 1 && next.prev != "":
		return errors.New("it is the first line and names one before it")
	case v.lines == 0:
		v.first = next
	case next.Seq > v.last.Seq+1:
		return fmt.Errorf("it is line %d of the chain and comes after line %d: what was between them is missing", next.Seq, v.last.Seq)
	case next.Seq <= v.last.Seq:
		return fmt.Errorf("it is line %d of the chain and comes after line %d: lines are in another order, or twice", next.Seq, v.last.Seq)
	case !next.follows(v.last.AuditEnd):
		return fmt.Errorf("the line before it isn't the one that it was written after: another one was put in its place")
	}
	if next.Seq == v.Known.Seq && next.Hash != v.Known.Hash {
		return fmt.Errorf("the state knows line %d with another hash: the file is another one, or was written anew", next.Seq)
	}
	v.last = next
	v.lines++
	return nil
}

// End checks, after the last file, that it isn't too short.
func (v *Verifier) End(name string) error {
	if v.last.Seq < v.Known.Seq {
		return &Break{name, 0, fmt.Errorf(
			"it ends with line %d of the chain, and line %d was written: lines were taken from its end, or the file was moved: name those before it, too", v.last.Seq, v.Known.Seq)}
	}
	return nil
}

// String says what was found, for people.
func (v *Verifier) String() string {
	if v.lines == 0 {
		return "no lines"
	}
	text := fmt.Sprintf("%d lines, from %d to %d, are as they were written; the last has the hash %s", v.lines, v.first.Seq, v.last.Seq, v.last.Hash)
	if v.first.Seq > 1 {
		text += fmt.Sprintf("; line %d, before them, has the hash %s", v.first.Seq-1, v.first.prev)
	}
	return text
}

// Cut returns the places of lines that aren't whole. Where the chain doesn't
// break, nothing is missing for it: the process was killed when it wrote them.
func (v *Verifier) Cut() []string { return v.cut }
