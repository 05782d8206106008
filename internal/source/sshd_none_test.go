//go:build !system

package source_test

import (
	"testing"

	"github.com/policysync/policysync/internal/source"
)

// bySSH returns no way to fetch: an ssh server is more than every machine has.
func bySSH(testing.TB, *repository, fault) []source.Options { return nil }
