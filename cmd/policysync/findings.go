package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/sarif"
)

const sarifFormat = "sarif"

// findings are what is found in manifests, and in how many.
type findings struct {
	diagnostic.List

	policies, files int
}

// showFindings prints them in the format asked for.
func (a *app) showFindings(f findings) error {
	f.Sort()
	switch a.flags.format {
	case jsonFormat:
		return a.findingsJSON(f)
	case sarifFormat:
		return a.findingsSARIF(f)
	default:
		a.findingsText(f)
		return nil
	}
}

// findingsText prints what is to be looked at now: warnings only once there are
// no errors left.
func (a *app) findingsText(f findings) {
	if mistakes := f.Of(diagnostic.Error); len(mistakes) > 0 {
		a.say("%s\n", mistakes.Error())
		return
	}
	for _, d := range f.List {
		a.say("%s\n", d.Excerpt())
	}
	a.say("No mistakes in %s of %s.\n", counted(f.policies, "policy", "policies"), counted(f.files, "file", "files"))
	if n := len(f.List); n > 0 {
		a.say("%s; what the codes stand for: %s\n", counted(n, "warning", "warnings"), lintPages)
	}
}

func (a *app) findingsJSON(f findings) error {
	type finding struct {
		Path     string `json:"path"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
		Code     string `json:"code,omitempty"`
		Help     string `json:"help,omitempty"`
	}
	document := struct {
		Version  string    `json:"format_version"`
		Policies int       `json:"policies"`
		Files    int       `json:"files"`
		Findings []finding `json:"findings"`
	}{"1", f.policies, f.files, []finding{}}
	for _, d := range f.List {
		help := ""
		if d.Code != "" {
			help = lintPage(d.Code)
		}
		document.Findings = append(document.Findings, finding{d.Path, d.Line, d.Col, d.Severity.String(), d.Message, d.Code, help})
	}
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// home is where the project and its documentation are to be found.
const home = "https://github.com/policysync/policysync"

// lintPages is the address of the table of lints.
const lintPages = home + "/blob/main/docs/reference/lints.md"

// lintPage returns the address of the page of a lint.
func lintPage(code string) string { return home + "/blob/main/docs/lints/" + code + ".md" }

// invalid is the rule of errors that aren't a lint's.
const invalid = "manifest"

func (a *app) findingsSARIF(f findings) error {
	tool := sarif.Tool{Name: "policysync", Version: version(), URL: home, Rules: []sarif.Rule{{
		ID: invalid, Title: "invalid-manifest", Doc: "What is not understood is not guessed.",
		URL: home + "/blob/main/docs/reference/manifest.md",
	}}}
	for _, l := range lint.All() {
		tool.Rules = append(tool.Rules, sarif.Rule{ID: l.Code, Title: l.Title, Doc: l.Doc, URL: lintPage(l.Code), Severity: l.Severity})
	}
	for i, d := range f.List {
		if d.Code == "" {
			f.List[i].Code = invalid
		}
	}
	root, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find this folder: %w", err)
	}
	return sarif.Write(a.stdout, tool, f.List, root)
}
