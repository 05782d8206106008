package state

import "errors"

// Errors that stores wrap, for errors.Is. That there is no state yet is
// fs.ErrNotExist.
var (
	// ErrLocked: another process, or this one, has the state open for writing.
	ErrLocked = errors.New("in use by another writer")

	// ErrNewer: the state was written by a newer version of policysync.
	ErrNewer = errors.New("written by a newer version of policysync")

	// ErrOlder: the state is of an older version and has to be migrated by a
	// writer before a reader can read it.
	ErrOlder = errors.New("written by an older version of policysync")

	// ErrForeign: what is there isn't a policysync state.
	ErrForeign = errors.New("not a policysync state")

	// ErrCorrupt: what is stored can't be read back.
	ErrCorrupt = errors.New("damaged")

	// ErrFull: there is no room left to write.
	ErrFull = errors.New("no space left")

	// ErrReadOnly: the state may not be written to.
	ErrReadOnly = errors.New("not writable")

	// ErrIntentOpen: the key has an open intent already.
	ErrIntentOpen = errors.New("its last request is still in doubt")

	// ErrNoIntent: the key has no open intent.
	ErrNoIntent = errors.New("no request of it is in doubt")

	// ErrSuspended: the target is suspended, and so doesn't run.
	ErrSuspended = errors.New("suspended")

	// ErrNoRecord: the target has no record of that key.
	ErrNoRecord = errors.New("no such record")

	// ErrNoRun: no run with that ID was ever started.
	ErrNoRun = errors.New("no such run")
)
