package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/export"
)

// write brings the folder to what the account has, tells of all that a person
// should know, and returns the changes that record what is declared now.
func (x *exporter) write() ([]diff.Change, error) {
	result, err := x.folder.Export(export.Account{Live: x.now.Live, Recorded: x.now.Recorded, Things: x.things})
	if err != nil {
		return nil, err
	}
	if err := writeFiles(x.options.out, result.Files, x.sink); err != nil {
		return nil, err
	}
	x.tell(result)
	return x.declared(result.Declared), nil
}

// tell says what was written, and what wasn't.
func (x *exporter) tell(r export.Result) {
	for _, path := range slices.Sorted(maps.Keys(r.Files)) {
		if !slices.Contains(r.New, path) {
			x.complain("Altered: %s\n", filepath.Join(x.options.out, path))
		}
	}
	for _, d := range r.Gone {
		x.complain("Gone from the account: %s, declared at %s:%d: remove that, or apply creates it again\n", x.foreign(d.Name), filepath.Join(x.options.out, d.File), d.Line)
	}
	for _, note := range r.Notes {
		x.complain("Warning: %s\n", note)
	}
	for _, s := range r.Skipped {
		x.complain("Not exported: %s (%s): %s\n", x.foreign(s.Name), s.ID, s.Why)
	}
	if len(r.Legacy) > 0 {
		x.complain("Not exported: %s of single applications, which can't be declared. Make each reusable, then export again: at the dashboard, "+
			"or by PUT /accounts/%s/access/apps/{app_id}/policies/{policy_id}/make_reusable\n", counted(len(r.Legacy), "policy", "policies"), x.target.AccountID)
	}
	for _, l := range r.Legacy {
		x.complain("  %s (%s)\n", x.foreign(l.Name), l.ID)
	}
	x.say("Exported %s to %s: %d new, %d altered, %d as they were.\n",
		counted(len(r.Declared), "policy", "policies"), x.options.out, len(r.New), len(r.Declared)-len(r.New)-r.Same, r.Same)
}

// writeFiles writes files below a folder, each whole or not at all, and none
// before all are on the disk.
func writeFiles(dir string, files map[string][]byte, sink event.Sink) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what Git would make
		return err
	}
	staged := map[string]string{} // temporary files, by the paths that they are for
	defer func() {
		for _, temporary := range staged {
			err = errors.Join(err, os.Remove(temporary))
		}
	}()
	paths := slices.Sorted(maps.Keys(files))
	for i, path := range paths {
		sink.Emit(event.Progressed{What: "files", Done: i, Total: len(paths)})
		path := filepath.Join(dir, filepath.FromSlash(path))
		temporary, err := stage(path, files[paths[i]])
		if temporary != "" {
			staged[path] = temporary
		}
		if err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(staged)) {
		if err := os.Rename(staged[path], path); err != nil {
			return err
		}
		delete(staged, path)
	}
	sink.Emit(event.Progressed{What: "files", Done: len(paths), Total: len(paths)})
	return nil
}

// stage writes a temporary file, hidden as long as it is one, beside the one
// that it is to replace. It returns "" where it left none.
func stage(path string, content []byte) (temporary string, err error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".policysync-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	return f.Name(), err
}
