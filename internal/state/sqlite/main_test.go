package sqlite_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// writerOf names, in its environment, the state file to which this program is
// to write until it is killed.
const writerOf = "POLICYSYNC_TEST_WRITER_OF"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerOf); path != "" {
		os.Exit(writeUntilKilled(path))
	}
	goleak.VerifyTestMain(m)
}
