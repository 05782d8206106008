package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// TestUnfitFilesAreRefusedAndLeftAlone opens what isn't a state of this
// version, in both ways.
func TestUnfitFilesAreRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		make   func(t *testing.T, path string)
		kind   error
		advice string
	}{
		"a text": {
			func(t *testing.T, path string) {
				check(t, os.WriteFile(path, []byte(strings.Repeat("Dear diary\n", 500)), 0o600))
			},
			state.ErrForeign, "name another file",
		},
		"another program's database": {
			func(t *testing.T, path string) { alter(t, path, "CREATE TABLE songs (title TEXT)") },
			state.ErrForeign, "name another file",
		},
		"another program's marked database": {
			func(t *testing.T, path string) { alter(t, path, "PRAGMA application_id = 7") },
			state.ErrForeign, "name another file",
		},
		"a state of a newer version": {
			func(t *testing.T, path string) {
				check(t, os.WriteFile(path, []byte(content(t, written(t))), 0o600))
				alter(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
			},
			state.ErrNewer, "schema 9999",
		},
		"a garbled state": {
			func(t *testing.T, path string) {
				text := []byte(content(t, written(t)))
				for i := 100; i < len(text); i++ {
					text[i] = 'x'
				}
				check(t, os.WriteFile(path, text, 0o600))
			},
			state.ErrCorrupt, "restore it from a backup",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			test.make(t, path)
			before := content(t, path)
			_, err := sqlite.Open(t.Context(), path)
			wantError(t, err, test.kind, path, test.advice)
			_, err = sqlite.OpenReader(t.Context(), path)
			wantError(t, err, test.kind, path, test.advice)
			if content(t, path) != before {
				t.Error("the file was altered")
			}
		})
	}
}

func TestReaderRefusesAnOlderSchema(t *testing.T) {
	t.Parallel()
	path := written(t)
	alter(t, path, "DELETE FROM goose_db_version WHERE version_id > 1")
	_, err := sqlite.OpenReader(t.Context(), path)
	wantError(t, err, state.ErrOlder, path, "first")
}

func TestDamageIsFoundOnReading(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"body":          `UPDATE records SET sent = '{"name": "Engin'`,
		"body's type":   `UPDATE records SET sent = '[]'`,
		"answered body": `UPDATE records SET read_back = ''`,
		"time":          `UPDATE records SET updated_at = 'yesterday'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t)
			alter(t, path, damage)
			reader, err := sqlite.OpenReader(t.Context(), path)
			check(t, err)
			records, err := reader.Records(t.Context(), target)
			wantError(t, err, state.ErrCorrupt, path, "backup")
			if records != nil {
				t.Errorf("beside the error it returned %v", records)
			}
			check(t, reader.Close())
		})
	}
}

func TestCutOffFileIsFoundDamaged(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	check(t, store.Refresh(t.Context(), target, numbered(500, strings.Repeat("c", 200))))
	check(t, store.Close())
	check(t, os.Truncate(path, int64(len(content(t, path))/2)))
	reader, err := sqlite.OpenReader(t.Context(), path)
	if err == nil {
		_, err = reader.Records(t.Context(), target)
		check(t, reader.Close())
	}
	wantError(t, err, state.ErrCorrupt, path, "backup")
}

func TestFoldersAreNoStateFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := sqlite.Open(t.Context(), folder)
	wantError(t, err, nil, folder, "is a folder", filepath.Join(folder, "state.db"))
	_, err = sqlite.OpenReader(t.Context(), folder)
	wantError(t, err, nil, folder, "is a folder")
	if files := listing(t, folder); files != "" {
		t.Errorf("made %s", files)
	}
}

func TestFileInPlaceOfAFolderIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, []byte("mine"), 0o600))
	_, err := sqlite.Open(t.Context(), filepath.Join(file, "state.db"))
	wantError(t, err, nil, file)
	_, err = sqlite.OpenReader(t.Context(), filepath.Join(file, "state.db"))
	wantError(t, err, nil, file)
	if content(t, file) != "mine" {
		t.Error("the file was altered")
	}
}
