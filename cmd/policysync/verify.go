package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/audit"
	"github.com/policysync/policysync/internal/state"
)

// verify checks audit files: those named, else the one of the config. That the
// last one isn't too short it can tell where that is the config's.
func (a *app) verify(c *cobra.Command, files []string) error {
	cfg, err := a.load(c)
	if err != nil {
		return err
	}
	current := cfg.Audit.File
	if len(files) == 0 {
		if current == "" {
			return errors.New("the config has no audit.file: name the files to verify, the oldest first")
		}
		files = []string{current}
	}
	var v audit.Verifier
	last := files[len(files)-1]
	toEnd := sameFile(last, current)
	if toEnd {
		reader, err := openReader(c.Context(), cfg.State)
		if err != nil {
			return err
		}
		if v.Known, err = knownEnd(c.Context(), reader); err != nil {
			return err
		}
	}
	for _, name := range files {
		if err := verifyFile(&v, name); err != nil {
			return err
		}
	}
	if err := v.End(last); err != nil {
		return err
	}
	for _, place := range v.Cut() {
		a.say("%s: cut off when its writer was killed; nothing is missing, the chain goes on after it\n", place)
	}
	a.say("%s\n", &v)
	return nil
}

// knownEnd reads where the audit file ends; what is written meanwhile is after that.
func knownEnd(ctx context.Context, reader state.Reader) (end state.AuditEnd, err error) {
	defer func() { err = errors.Join(err, reader.Close()) }()
	return reader.AuditEnd(ctx)
}

func sameFile(a, b string) bool {
	if b == "" {
		return false
	}
	one, err := os.Stat(a)
	if err != nil {
		return a == b // it is to be said of it that it is gone
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// verifyFile checks one file.
func verifyFile(v *audit.Verifier, name string) (err error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: no run has begun with it yet, or it was moved away: name the files to verify, the oldest first", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return v.File(name, file)
}
