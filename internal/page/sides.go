package page

import (
	"cmp"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/policy"
)

// sides are what Git declares, what is recorded and what the account has of one
// policy, side by side.
type sides struct {
	Git, Recorded, Live string // why there is nothing on that side; "": there is
	Adopted             bool   // Recorded was adopted as it was, and not sent
	Differ              int    // how many rows tell of a difference
	Rows                []sideRow
}

// sideRow is one value. A text is "" where there is none.
type sideRow struct {
	Path            string
	Git, Live       string
	Sent, ReadBack  string
	Notes           []string // what differs, and where that comes from
	OddGit, OddLive bool     // that side has changed, or both differ
	Default         bool     // only the account says so, and always did
}

// The places of policies that are aligned.
const (
	inGit = iota
	sent
	readBack
	live
	places
)

// sidesOf returns the sides of a policy in a state, as the last plan found it; off
// is nil where that is as Git says, record is nil where there is none.
func sidesOf(state diff.State, off *deviance, record *policy.Recorded) sides {
	var at [places]*policy.Policy
	if record != nil {
		at[readBack] = &record.ReadBack
		if record.Sent.Name != "" {
			at[sent] = &record.Sent
		}
	}
	switch {
	case off != nil:
		at[inGit], at[live] = off.Git, off.Live
	case state == diff.InSync: // by what that means
		at[inGit], at[live] = at[sent], at[readBack]
	}
	s := sides{Adopted: record != nil && at[sent] == nil}
	s.Git, s.Recorded, s.Live = missing(state, at)
	for _, row := range diff.Align(at[:]...) {
		s.Rows = append(s.Rows, newSideRow(row, at))
	}
	for i := range s.Rows {
		if len(s.Rows[i].Notes) > 0 {
			s.Differ++
		}
	}
	return s
}

// missing says why there is nothing on a side.
func missing(state diff.State, at [places]*policy.Policy) (git, recorded, account string) {
	if at[inGit] == nil {
		git = "not declared"
	}
	if at[readBack] == nil {
		recorded = "nothing"
	}
	if at[live] == nil {
		account = "not there"
	}
	switch {
	case state == "":
		git, account = "not known yet", "not known yet"
	case at[live] == nil && state == diff.Conflict:
		account = "not one, but several"
	case at[live] == nil && state == diff.Unmanaged:
		account = "not compared"
	}
	return git, recorded, account
}

func newSideRow(row diff.Row, at [places]*policy.Policy) sideRow {
	text := func(i int) string {
		if row.Values[i] == nil {
			return ""
		}
		return strings.TrimSuffix(render.Value(row.Values[i]), ": {}") // of a rule that is all in its kind
	}
	r := sideRow{Path: row.Path, Git: text(inGit), Live: text(live), Sent: text(sent), ReadBack: text(readBack)}
	differ := func(i, j int) bool { return at[i] != nil && at[j] != nil && !row.Same(i, j) }
	r.Default = r.Git == "" && r.Sent == "" && at[sent] != nil && r.ReadBack != "" && !differ(readBack, live)
	if r.OddGit = differ(inGit, sent); r.OddGit {
		r.Notes = append(r.Notes, "changed in Git")
	}
	if r.OddLive = differ(readBack, live); r.OddLive {
		r.Notes = append(r.Notes, "changed in the account")
	}
	if len(r.Notes) == 0 && differ(inGit, live) && !r.Default {
		r.Notes, r.OddGit, r.OddLive = []string{"differs"}, true, true
	}
	return r
}

// first returns the rows in which something differs before the others, if they
// are more than fit on a page.
func first(rows []sideRow) []sideRow {
	if len(rows) > perPage {
		slices.SortStableFunc(rows, func(a, b sideRow) int {
			return cmp.Compare(min(len(b.Notes), 1), min(len(a.Notes), 1))
		})
	}
	return rows
}
