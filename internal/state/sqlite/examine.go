package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/policysync/policysync/internal/state"
)

// examine returns what the file holds once it has found no fault in it. A
// writer carries the log over into the file when it closes, and so would alter
// one that is damaged, or whose log is another file's: here that can't be.
func examine(ctx context.Context, path string) (schema, error) {
	mode := modeRead
	if exists(path + "-journal") { // there is something to undo first, and no log
		mode = modeWrite
	}
	reader, err := newReader(ctx, path, mode)
	if err != nil {
		return schema{}, err
	}
	found, err := inspect(ctx, reader.db)
	if err == nil {
		err = verify(ctx, reader.db)
	}
	return found, joinClose(err, reader.db)
}

// verify reads the whole file, which takes some 4 ms for each MB, and returns
// an error if it is damaged: what a run needs first may well be intact.
func verify(ctx context.Context, db *sql.DB) error {
	var fault string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&fault); err != nil {
		return err
	}
	if fault != "ok" {
		return fmt.Errorf("%w: %s", state.ErrCorrupt, fault[strings.LastIndexByte(fault, '\n')+1:]) // less its heading
	}
	return nil
}
