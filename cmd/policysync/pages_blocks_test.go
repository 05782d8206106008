package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/metrics"
)

// checks are how the fenced blocks of pages are checked, by what stands behind
// their fences. A block that can't be is `text`, or has another program's form.
var checks = map[string]func(t *testing.T, block string) error{
	"sh":               script,
	"sh terminal":      script, // of the tutorial: goes on in a terminal of its own
	"yaml":             ourYAML,
	"yaml bad":         mistaken,
	"yaml silenced":    ourYAML,
	"yaml vars":        anyYAML, // takes variables: internal/manifest's tests decode it
	"yaml prometheus":  anyYAML,
	"yaml workflow":    anyYAML, // of GitHub's or GitLab's CI
	"yaml kubernetes":  anyYAML,
	"yaml helm":        anyYAML,
	"yaml compose":     anyYAML,
	"yaml cloudflared": anyYAML,
	"yaml collector":   anyYAML, // of OpenTelemetry
	"json":             func(_ *testing.T, block string) error { return json.Unmarshal([]byte(block), new(any)) },
	"promql":           func(*testing.T, string) error { return nil }, // metrics are looked for in all of a page
	"hcl":              nil,                                           // Terraform's
	"diff":             nil,                                           // what has changed in one of the others
	"text":             nil,                                           // output, or what no program reads
	"ini":              nil,                                           // systemd's or logrotate's
	"dockerfile":       nil,
}

// TestBlocksOfPagesAreRight as far as they can be checked without running them.
func TestBlocksOfPagesAreRight(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		if opened := strings.Count("\n"+text(t, page), "\n```"); opened%2 != 0 {
			t.Errorf("%s opens or closes a block too often", page)
		}
		for _, block := range blocks(t, filepath.Join(root, filepath.FromSlash(page))) {
			check, known := checks[block[0]]
			if !known {
				t.Errorf("%s has a block of kind %q: checks in pages_blocks_test.go knows how each kind is checked, or why it isn't", page, block[0])
			} else if check != nil {
				if err := check(t, block[1]+"\n"); err != nil {
					t.Errorf("%s: %v in this %s block:\n%s", page, err, block[0], block[1])
				}
			}
		}
	}
}

// TestNoBlockIsWithoutItsKind: one that has none would pass unchecked.
func TestNoBlockIsWithoutItsKind(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		inside := false
		for line := range strings.Lines(text(t, page)) {
			info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
			if fence && !inside && info == "" {
				t.Errorf("%s has a block that doesn't say what it is of: put a word behind its fence", page)
			}
			inside = inside != fence
		}
	}
}

// script has the shell read a script, without running it, and policysync the
// command lines in it that are its own.
func script(t *testing.T, block string) error {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-n")
	c.Stdin = strings.NewReader(strings.ReplaceAll(block, "<(", "$(")) // what bash has and sh hasn't
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	for _, line := range ownCommand.FindAllStringSubmatch(strings.ReplaceAll(block, "\\\n", ""), -1) {
		if err := parses(line[1]); err != nil {
			return err
		}
	}
	return nil
}

// ownCommand is what a shell would run as a command line of policysync.
var ownCommand = regexp.MustCompile(`(?m)(?:^|[|;&(] *)(?:exec |sudo )?(?:go run \./cmd/)?policysync( [^|;&>#\n)]*)?`)

// parses returns an error unless policysync knows the command and the flags of
// a command line.
func parses(arguments string) error {
	args := strings.Fields(strings.NewReplacer(`"`, "", "'", "", "…", "").Replace(arguments))
	args = slices.DeleteFunc(args, func(a string) bool { return strings.HasPrefix(a, "<") })
	command, rest, err := newRoot(&app{}).Find(args)
	if err != nil {
		return fmt.Errorf("policysync%s: %w", arguments, err)
	}
	if len(args) > 0 && command.HasSubCommands() && !strings.HasPrefix(args[0], "-") && args[0] != "completion" && args[0] != "help" {
		return fmt.Errorf("policysync%s: there is no command %s", arguments, args[0])
	}
	for _, arg := range rest {
		name, isLong := strings.CutPrefix(arg, "--")
		name, _, _ = strings.Cut(name, "=")
		command.InitDefaultHelpFlag()
		command.InitDefaultVersionFlag()
		if isLong && name != "" && command.Flags().Lookup(name) == nil && command.InheritedFlags().Lookup(name) == nil {
			return fmt.Errorf("policysync%s: there is no flag --%s", arguments, name)
		}
	}
	return nil
}

// TestPagesNameTestsThatThereAre, each in the package that a command names.
func TestPagesNameTestsThatThereAre(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`go test (?:-[a-z]+ )*\./(\S+) -run '?([A-Za-z|]+)'?`)
	named := 0
	for _, page := range pages(t) {
		for _, found := range command.FindAllStringSubmatch(text(t, page), -1) {
			for name := range strings.SplitSeq(found[2], "|") {
				named++
				if !isTest(t, found[1], name) {
					t.Errorf("%s names the test %s of %s, which there isn't", page, name, found[1])
				}
			}
		}
	}
	if named < 30 {
		t.Errorf("pages name %d tests only", named)
	}
}

// TestPagesNameTestsThatThereAreSomewhere, where they name no package.
func TestPagesNameTestsThatThereAreSomewhere(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, file := range files(t, "_test.go") {
		for _, found := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(text(t, file), -1) {
			known[found[1]] = true
		}
	}
	for _, page := range pages(t) {
		for _, span := range aSpan.FindAllString(prose(t, page), -1) {
			name := strings.Trim(span, "`")
			if regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w+$`).MatchString(name) && !known[name] {
				t.Errorf("%s names the test %s, which there isn't", page, name)
			}
		}
	}
}

func isTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		code, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(code), "\nfunc "+name+"(")
	})
}

// anyYAML is for what other programs read.
func anyYAML(_ *testing.T, block string) error { return yaml.Unmarshal([]byte(block), new(any)) }

// leastConfig is the least that a config has.
const leastConfig = "targets:\n  - name: a\n    account_id: 023e105f4ecef8ad9ca31a8372d0c353\n    source: {url: /srv/access}\n"

// ourYAML decodes a config, a part of one, a manifest or rules of one.
func ourYAML(_ *testing.T, block string) error {
	var list []any
	var object map[string]any
	if yaml.Unmarshal([]byte(block), &list) == nil && len(list) > 0 {
		return decodes("name: A\ndecision: allow\ninclude:\n" + block)
	}
	if first, _, _ := strings.Cut(block, "\n---\n"); yaml.Unmarshal([]byte(first), &object) != nil {
		return anyYAML(nil, block)
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { _, is := object[key]; return is })
	}
	switch {
	case has("targets"):
		return loads(block)
	case has("state", "audit", "freeze", "server", "log"):
		return loads(leastConfig + block)
	case has("vars", "mode", "adopt", "drift", "limits", "schedule"):
		return loads(leastConfig + "    " + strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n    ") + "\n")
	case has("name", "kind"):
		return decodes(block)
	case has("include"):
		return decodes("name: A\ndecision: allow\n" + block)
	}
	return fmt.Errorf("it is neither a config nor a manifest: name its program behind the fence, as in ```yaml prometheus")
}

// loads has every variable set that the config asks for.
func loads(text string) error {
	_, err := config.Parse("policysync.yaml", []byte(text), func(name string) (string, bool) {
		if name == "HOME" || strings.Contains(text, "${"+name+"}") {
			return "/" + name, true
		}
		return "", false
	})
	return err
}

func decodes(text string) error {
	_, err := manifest.Decode(fstest.MapFS{"policy.yaml": {Data: []byte(text)}})
	return err
}

// mistaken returns an error unless there is a mistake in a manifest, or what is
// most likely one.
func mistaken(_ *testing.T, block string) error {
	set, err := manifest.Decode(fstest.MapFS{"policy.yaml": {Data: []byte(block)}})
	if err == nil && len(lint.Check(set, nil)) == 0 {
		return fmt.Errorf("nothing is wrong")
	}
	return nil
}

// TestPagesSpeakOfWhatThereIs: in their prose too, commands with their flags,
// metrics and keys of the config exist.
func TestPagesSpeakOfWhatThereIs(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range metrics.Families() {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			known[f.Name+suffix] = true
		}
	}
	spoken := 0
	for _, page := range pages(t) {
		for _, name := range regexp.MustCompile(`\bpolicysync_[a-z0-9_]+\b`).FindAllString(text(t, page), -1) {
			spoken++
			if !known[name] {
				t.Errorf("%s speaks of the metric %s, which there isn't", page, name)
			}
		}
		for _, span := range aSpan.FindAllString(prose(t, page), -1) {
			said := strings.Trim(span, "`")
			if own := ownCommand.FindStringSubmatch(said); own != nil {
				spoken++
				if err := parses(own[1]); err != nil {
					t.Errorf("%s: %v", page, err)
				}
			}
			if aKey.MatchString(said) && !isKey(said) {
				t.Errorf("%s speaks of the key %s, which the config hasn't", page, said)
			}
		}
	}
	if spoken < 100 {
		t.Errorf("the pages were heard to speak of %d things only", spoken)
	}
}

// aKey is what looks like a key of the config, or its end.
var aKey = regexp.MustCompile(`^(targets\[\]|source|cloudflare|limits|server|audit|log|state)\.[a-z_]+(\.[a-z_]+)*$`)

func isKey(said string) bool {
	return strings.HasPrefix(said, "state.db") || slices.ContainsFunc(config.Keys(), func(k config.Key) bool {
		return strings.HasSuffix("."+k.Name, "."+said) || strings.HasSuffix("."+k.Name, "[]."+said) || strings.HasPrefix(k.Name, said+".")
	})
}
