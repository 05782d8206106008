package sqlite_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/policysync/policysync/internal/state/sqlite"
)

func TestPipesAreNoStateFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	check(t, syscall.Mkfifo(path, 0o600))
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, nil, path, "not a regular file")
	_, err = sqlite.OpenReader(t.Context(), path)
	wantError(t, err, nil, path, "not a regular file")
}
