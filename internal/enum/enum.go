// Package enum reads words of which only some are known.
package enum

import (
	"fmt"
	"slices"
	"strings"
)

// Parse sets to to the word that text is, if it is one of the known; else its
// error says what was read (what names it) and lists them.
func Parse[T ~string](to *T, text []byte, what string, known ...T) error {
	if slices.Contains(known, T(text)) {
		*to = T(text)
		return nil
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	return fmt.Errorf("%s is %q: want one of %s", what, text, strings.Join(words, ", "))
}
