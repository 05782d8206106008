// Package sarif writes findings as SARIF 2.1.0, which code-scanning views and
// editors read.
package sarif

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"

	"github.com/policysync/policysync/internal/diagnostic"
)

// Tool is the program whose findings are written, and what it looks for.
type Tool struct {
	Name, Version string
	URL           string // of its home page
	Rules         []Rule
}

// Rule is a kind of finding.
type Rule struct {
	ID       string // the Code of its findings
	Title    string
	Doc      string // a sentence
	URL      string // of the page that says more
	Severity diagnostic.Severity
}

// Write writes the findings of a run of a tool. Each has the Code of one of the
// tool's rules. Their paths are relative to root, an absolute path, or absolute;
// views find those below root in the repository that root is the top of.
func Write(w io.Writer, tool Tool, found diagnostic.List, root string) error {
	r := run{
		Tool: toolComponent{driver{tool.Name, tool.Version, tool.URL, make([]descriptor, len(tool.Rules))}},
		Bases: map[string]artifact{
			rootID: {URI: fileURI(root) + "/"},
		},
		Results: make([]result, len(found)), ColumnKind: "unicodeCodePoints",
	}
	index := make(map[string]int, len(tool.Rules))
	for i, rule := range tool.Rules {
		index[rule.ID] = i
		r.Tool.Driver.Rules[i] = descriptor{
			ID: rule.ID, Name: rule.Title, Short: text{rule.Doc}, Help: text{rule.Doc + " " + rule.URL}, HelpURI: rule.URL,
			Defaults: configuration{rule.Severity.String()},
		}
	}
	for i, d := range found {
		r.Results[i] = result{
			RuleID: d.Code, RuleIndex: index[d.Code], Level: d.Severity.String(), Message: text{d.Message},
			Locations: []location{{placeOf(d, root)}},
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(log{schemaURI, "2.1.0", []run{r}}); err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

const schemaURI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// rootID is the name that code-scanning views give to the top of a repository.
const rootID = "%SRCROOT%"

// artifactAt returns the file at a path, by its path below root where it is.
func artifactAt(path, root string) artifact {
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	below, err := filepath.Rel(root, path)
	if err != nil || !filepath.IsLocal(below) {
		return artifact{URI: fileURI(path)}
	}
	return artifact{URI: (&url.URL{Path: filepath.ToSlash(below)}).String(), Base: rootID}
}

func fileURI(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// placeOf returns a finding's file, the place in it and the line around that.
// What is about the whole file is about its first line, because GitHub's view
// wants one.
func placeOf(d diagnostic.Diagnostic, root string) physicalLocation {
	at := physicalLocation{Artifact: artifactAt(d.Path, root), Region: region{Line: max(1, d.Line), Column: d.Col}}
	if d.Source != "" {
		at.Context = &region{Line: d.Line, Snippet: &text{d.Source}}
	}
	return at
}
