package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// lines returns the lines of a file without their line breaks, and with the last
// one whether it has none. An error ends them.
func lines(r io.Reader) iter.Seq2[text, error] {
	return func(yield func(text, error) bool) {
		const chunk = 1 << 16
		buffered := bufio.NewReaderSize(r, chunk)
		for {
			read, err := buffered.ReadBytes('\n')
			end := errors.Is(err, io.EOF)
			if err != nil && !end {
				yield(text{}, err)
				return
			}
			if len(read) > 0 && !yield(text{bytes.TrimSuffix(read, []byte("\n")), end}, nil) || end {
				return
			}
		}
	}
}

// text is a line as it was read.
type text struct {
	bytes []byte
	open  bool // it isn't ended by a line break
}
