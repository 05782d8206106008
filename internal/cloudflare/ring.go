package cloudflare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// ring is the name of a file that keeps a Budget's ring of times, 8 bytes for
// each: the nanoseconds since 1970, 0 for none. It survives the process, not
// the machine: no write is waited for. The empty name keeps nothing.
type ring string

const timeSize = 8

// room says what to do where the file can't be written.
const room = ": make its folder writable for this user, and see that there is room in it"

// read returns the times that still count at now, the earliest first. What the
// clock can't have shown yet counts as now. A file that isn't there has none.
func (r ring) read(now time.Time) ([]time.Time, error) {
	text, err := os.ReadFile(string(r))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read which requests were sent of late: %w", err)
	}
	var times []time.Time
	for ; len(text) >= timeSize; text = text[timeSize:] {
		at := time.Unix(0, int64(binary.LittleEndian.Uint64(text))) //nolint:gosec // any bits are a time
		if at.After(now) {
			at = now
		}
		if now.Sub(at) < window {
			times = append(times, at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times, nil
}

// write replaces the file.
func (r ring) write(times []time.Time) error {
	text := make([]byte, 0, len(times)*timeSize)
	for _, at := range times {
		text = append(text, bits(at)...)
	}
	next := string(r) + ".new"
	err := os.WriteFile(next, text, 0o600)
	if err == nil {
		err = os.Rename(next, string(r))
	}
	if err != nil {
		return fmt.Errorf("note which requests were sent of late: %w%s", err, room)
	}
	return nil
}

// set replaces one time of the file.
func (r ring) set(index int, at time.Time) error {
	if r == "" {
		return nil
	}
	file, err := os.OpenFile(string(r), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = file.WriteAt(bits(at), int64(index)*timeSize)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("note that a request is sent: %w%s", err, room)
	}
	return nil
}

func bits(at time.Time) []byte {
	if at.IsZero() {
		return make([]byte, timeSize)
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(at.UnixNano()))
}
