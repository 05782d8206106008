package export

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/policysync/policysync/internal/policy"
)

// paths chooses the names of new files, which depend on as little as can be:
// on the policy's name alone, unless other policies share what is left of that
// in a file's name, or something has that name already. Then a part of the id
// is added.
type paths struct {
	taken  map[string]bool // in lower case, as for file systems that don't tell cases apart
	shared map[string]int  // how many names are the same in a file's name
}

func newPaths(fsys fs.FS, live map[string][]policy.Live) paths {
	p := paths{map[string]bool{}, map[string]int{}}
	entries, _ := fs.ReadDir(fsys, ".") // Open has read it
	for _, entry := range entries {
		p.taken[strings.ToLower(entry.Name())] = true
	}
	for name := range live {
		p.shared[slug(name)]++
	}
	return p
}

// choose returns the path of a policy's new file.
func (p paths) choose(l policy.Live) string {
	const some = 8
	name, id := slug(l.Name), slug(l.ID)
	tries := []string{name, name + "-" + id[:min(some, len(id))], name + "-" + id}
	if name == "" || isDevice(name) || p.shared[name] > 1 {
		tries = tries[1:]
	}
	for n := 2; ; n++ {
		path := strings.Trim(tries[0], "-") + ".yaml"
		if !p.taken[path] {
			p.taken[path] = true
			return path
		}
		if tries = tries[1:]; len(tries) == 0 {
			tries = []string{fmt.Sprintf("%s-%s-%d", name, id, n)}
		}
	}
}

// longest is how much of a name is kept in a file's name, in bytes.
const longest = 80

// notInSlugs are the characters that a file's name has a hyphen for.
var notInSlugs = regexp.MustCompile(`[^a-z0-9]+`)

// slug returns what is left of a name in ASCII: small letters without their
// accents, digits, and a hyphen for all that stands between.
func slug(name string) string {
	var plain strings.Builder
	for _, r := range norm.NFKD.String(name) {
		if !unicode.Is(unicode.Mn, r) {
			plain.WriteRune(unicode.ToLower(r))
		}
	}
	slug := strings.Trim(notInSlugs.ReplaceAllString(plain.String(), "-"), "-")
	return strings.TrimRight(slug[:min(longest, len(slug))], "-")
}

// isDevice reports whether Windows takes a file's name for a device's, whatever
// its extension.
func isDevice(name string) bool {
	if len(name) == len("com1") && name[3] != '0' && unicode.IsDigit(rune(name[3])) {
		return slices.Contains([]string{"com", "lpt"}, name[:3])
	}
	return slices.Contains([]string{"con", "prn", "aux", "nul"}, name)
}
