package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/licenseclassifier/v2/assets"
)

func TestALicenceThatNobodyAllowedIsRefused(t *testing.T) {
	t.Parallel()
	known, err := assets.DefaultClassifier()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, licence, want, refused string }{
		"allowed":    {file: "LICENSE.txt", licence: "License/Apache-2.0/pristine.txt", want: "Apache-2.0"},
		"refused":    {file: "COPYING", licence: "License/AGPL-3.0/license.txt", refused: "AGPL-3.0, which isn't allowed"},
		"not named":  {file: "README", licence: "License/Apache-2.0/pristine.txt", refused: "no licence is recognised"},
		"no licence": {file: "LICENSE", refused: "no licence is recognised"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := []byte("Ask the author.\n")
			if c.licence != "" {
				var err error
				if text, err = assets.ReadLicenseFile(c.licence); err != nil {
					t.Fatal(err)
				}
			}
			m := module{Path: "example.com/m", Version: "v1.0.0", Dir: t.TempDir()}
			if err := os.WriteFile(filepath.Join(m.Dir, c.file), text, 0o600); err != nil {
				t.Fatal(err)
			}
			err := m.examine(known)
			switch {
			case c.refused == "" && err != nil:
				t.Error(err)
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("got error %v, want one with %q", err, c.refused)
			case c.refused == "" && strings.Join(m.licences, ", ") != c.want:
				t.Errorf("got %q, want %q", m.licences, c.want)
			}
		})
	}
}

func TestTextsAreOfEveryModule(t *testing.T) {
	t.Parallel()
	var table, texts strings.Builder
	if err := run(t.Context(), &table, ".", "github.com/google/licenseclassifier/v2", false); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), &texts, ".", "github.com/google/licenseclassifier/v2", true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Go go1.", "github.com/google/licenseclassifier/v2 v2.0.0, LICENSE", "github.com/sergi/go-diff v1.1.0, LICENSE", "Apache License"} {
		if !strings.Contains(texts.String(), want) {
			t.Errorf("the texts lack %q", want)
		}
	}
	if want := "| github.com/google/licenseclassifier/v2 | v2.0.0 | Apache-2.0 |\n"; !strings.Contains(table.String(), want) {
		t.Errorf("got %q, want in it %q", table.String(), want)
	}
}
