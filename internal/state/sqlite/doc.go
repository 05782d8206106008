// Package sqlite keeps the state in one SQLite file. One process writes, any
// number read beside it; people may look inside with the sqlite3 tool.
//
//	state.db        the state
//	state.db-wal    the write-ahead log: what isn't in state.db yet
//	state.db-shm    SQLite's index of it
//	state.db.lock   held by the writer; it names the process, and is never deleted
//
// A writer holds an advisory lock (flock) on the lock file, which the kernel
// drops with the process: after kill -9 nothing stays locked. Every commit is
// flushed to disk (WAL, synchronous=FULL).
//
// A reader opens the file read-only. SQLite readers need the -wal and -shm
// files, so the writer leaves them there, empty, when it closes; where they
// can't be had, in a read-only folder, a reader takes the file as one that
// nobody writes to.
//
// Nothing here may open the state file but through SQLite: closing any
// descriptor of a file drops all POSIX locks that the process holds on it,
// SQLite's own too (https://www.sqlite.org/howtocorrupt.html, §2.2).
package sqlite
