package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionTellsFromWhatTheProgramWasBuilt(t *testing.T) {
	t.Parallel()
	const commit = "7e4b0644217cd0ed4f13e12572914b2073696912"
	settings := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "-trimpath", Value: "true"},
			{Key: "vcs", Value: "git"},
			{Key: "vcs.revision", Value: commit},
			{Key: "vcs.time", Value: "2026-11-25T23:52:24Z"},
			{Key: "vcs.modified", Value: modified},
		}
	}
	for name, test := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"a tagged commit": {
			debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: settings("false")},
			"policysync v1.2.3 (revision " + commit + " of 2026-11-25T23:52:24Z, ",
		},
		"more than the commit has": {
			debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20261125235224-7e4b0644217c+dirty"}, Settings: settings("true")},
			"policysync v1.2.4-0.20261125235224-7e4b0644217c+dirty (revision " + commit + "+dirty of 2026-11-25T23:52:24Z, ",
		},
		"go install of a version": {
			debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}},
			"policysync v1.2.3 (revision unknown, ",
		},
		"no repository": {debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "policysync (devel) (revision unknown, "},
		"nothing noted": {debug.BuildInfo{}, "policysync (devel) (revision unknown, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := test.want + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
			if got := buildOf(&test.info).String(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
