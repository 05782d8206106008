package enum_test

import (
	"fmt"
	"testing"

	"github.com/policysync/policysync/internal/enum"
)

type size string

func TestParseTakesKnownWordsOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"small": "", "large": "", "Small": `size is "Small": want one of small, large`, "": `size is "": want one of small, large`,
	} {
		got := size("before")
		err := enum.Parse(&got, []byte(text), "size", "small", "large")
		switch {
		case want == "" && (err != nil || string(got) != text):
			t.Errorf("%q gives %q, %v", text, got, err)
		case want != "" && (err == nil || err.Error() != want || got != "before"):
			t.Errorf("%q gives %q, %v; want %s and the value as it was", text, got, err, want)
		}
	}
}

func ExampleParse() {
	var s size
	fmt.Println(enum.Parse(&s, []byte("smal"), "size", "small", "large"))
	// Output: size is "smal": want one of small, large
}
