package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/policysync/policysync/internal/state"
)

// ends is where the last line is remembered; state.Store is one.
type ends interface {
	AuditEnd(ctx context.Context) (state.AuditEnd, error)
	SetAuditEnd(ctx context.Context, end state.AuditEnd) error
}

// file is the audit file. It is opened when it is needed, again when another one
// has come in its place, and again after each error.
type file struct {
	path string
	ends ends

	mu   sync.Mutex
	open *os.File // nil: not open
	end  state.AuditEnd
}

// append writes a line, with its number and links, and returns when it is on
// disk. What it doesn't know of the state's end it learns at the next opening.
func (f *file) append(ctx context.Context, l line) error {
	return f.locked(ctx, func() error {
		l.Seq, l.Prev = f.end.Seq+1, f.end.Hash
		text, hash, err := seal(l)
		if err != nil {
			return err
		}
		if _, err := f.open.Write(text); err != nil {
			return err
		}
		if err := f.open.Sync(); err != nil {
			return err
		}
		f.end = state.AuditEnd{Seq: l.Seq, Hash: hash}
		return f.ends.SetAuditEnd(ctx, f.end)
	})
}

// check returns an error unless the file can be written to as it stands.
func (f *file) check(ctx context.Context) error {
	return f.locked(ctx, func() error { return nil })
}

// locked opens the file, if need be, and calls do. After an error it closes it.
func (f *file) locked(ctx context.Context, do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.reopen(ctx)
	if err == nil {
		err = do()
	}
	if err != nil {
		return fmt.Errorf("audit file %s: %w: nothing more is written to the account before it can be written", f.path, errors.Join(err, f.close()))
	}
	return nil
}

// reopen opens the file unless it is open and still in its place.
func (f *file) reopen(ctx context.Context) (err error) {
	if f.open != nil && isAt(f.path, f.open) {
		return nil
	}
	if err := f.close(); err != nil {
		return err
	}
	if f.open, err = create(f.path); err != nil {
		return err
	}
	return f.goOn(ctx)
}

// isAt reports whether an open file is the one that is at the path.
func isAt(path string, open *os.File) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	here, err := open.Stat()
	return err == nil && os.SameFile(there, here)
}

// create opens a regular file for appending, and makes it if need be, so that it
// is there after a power cut too.
func create(path string) (*os.File, error) {
	if there, err := os.Stat(path); err == nil && !there.Mode().IsRegular() {
		return nil, errors.New("not a regular file: name another one in audit.file")
	}
	const ownerOnly = 0o600
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, ownerOnly)
	if err != nil {
		return nil, err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

// goOn finds out where the chain goes on, and ends a line that was cut off when
// its writer was killed: its request never left, or its outcome comes again.
func (f *file) goOn(ctx context.Context) error {
	known, err := f.ends.AuditEnd(ctx)
	if err != nil {
		return err
	}
	last, cut, err := lastOf(f.open)
	if err != nil {
		return err
	}
	if cut {
		if _, err := f.open.WriteString("\n"); err != nil {
			return err
		}
	}
	switch {
	case last.Seq == 0: // a new file
		f.end = known
		return nil
	case last.AuditEnd == known:
		f.end = known
		return nil
	case last.follows(known), known.Seq == 0: // the state wasn't told of it any more; it is a new state
		f.end = last.AuditEnd
		return f.ends.SetAuditEnd(ctx, f.end)
	default:
		return fmt.Errorf("it ends with line %d, and the state knows line %d as the last, with another hash or number: "+
			"see what `policysync history --verify` says, then move the file elsewhere, and the next line begins a new one", last.Seq, known.Seq)
	}
}

// lastOf returns the last whole line, whose number is 0 where there is none, and
// whether something follows that isn't ended.
func lastOf(f *os.File) (last link, cut bool, err error) {
	if _, err := f.Seek(0, 0); err != nil {
		return link{}, false, err
	}
	for t, err := range lines(f) {
		if err != nil {
			return link{}, false, err
		}
		cut = t.open
		found, err := unseal(t.bytes)
		if errors.Is(err, errHash) {
			return link{}, false, fmt.Errorf("a line of it: %w: see what `policysync history --verify` says, then move the file elsewhere", err)
		}
		if err == nil {
			last = found
		}
	}
	return last, cut, nil
}

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	return err
}
