//go:build release

package release_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const configFile = "etc/policysync/policysync.yaml"

// machine is a folder that packages are installed into.
type machine struct {
	*testing.T
	root string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t, t.TempDir()}
	for _, folder := range []string{"etc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"} {
		check(t, os.MkdirAll(m.path(folder), 0o755))
	}
	m.write("var/lib/dpkg/status", "")
	m.write("var/lib/dpkg/available", "")
	return m
}

func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) write(name, text string) {
	m.Helper()
	check(m.T, os.WriteFile(m.path(name), []byte(text), 0o600))
}

func (m machine) read(name string) string {
	m.Helper()
	text, err := os.ReadFile(m.path(name))
	check(m.T, err)
	return string(text)
}

func (m machine) has(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}

func (m machine) dpkg(args ...string) {
	m.Helper()
	output(m.T, "dpkg", append([]string{"--root=" + m.root, "--force-script-chrootless", "--force-confold", "--log=" + m.path("var/log/dpkg.log")}, args...)...)
}

// mode returns what may be done to a file by whom, such as "drwx------ 998".
func (m machine) mode(name string) string {
	m.Helper()
	return strings.TrimSpace(output(m.T, "stat", "--format=%A %u", m.path(name)))
}

func TestDebInstallsAServiceAndKeepsWhatIsTheUsers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	deb := one(t, "policysync_*_amd64.deb")
	m.dpkg("--install", deb)

	// the user of sysusers.d owns the folders of tmpfiles.d
	_, entry, found := strings.Cut(m.read("etc/passwd"), "policysync:")
	id, _, _ := strings.Cut(strings.TrimPrefix(entry, "x:"), ":")
	if !found || id == "" || id == "0" {
		t.Fatalf("the users are %s", m.read("etc/passwd"))
	}
	for _, folder := range []string{"var/lib/policysync", "var/log/policysync"} {
		if got, want := m.mode(folder), "drwx------ "+id; got != want {
			t.Errorf("%s is %s, want %s", folder, got, want)
		}
	}
	for name, want := range map[string]string{
		"usr/bin/policysync": "-rwxr-xr-x 0", configFile: "-rw-r--r-- 0", "usr/lib/systemd/system/policysync.service": "-rw-r--r-- 0",
	} {
		if got := m.mode(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if said := output(t, m.path("usr/bin/policysync"), "version"); !strings.HasPrefix(said, "policysync v") {
		t.Errorf("it says %s", said)
	}
	m.manPages()
	if texts := output(t, "zcat", m.path("usr/share/doc/policysync/third-party-licences.txt.gz")); !strings.Contains(texts, "github.com/go-git/go-git/v5 v") {
		t.Errorf("the licences of others are %.200q", texts)
	}
	output(t, "bash", "-c", `. "$1" && complete -p policysync`, "bash", m.path("usr/share/bash-completion/completions/policysync"))
	if !strings.HasPrefix(m.read("usr/share/zsh/vendor-completions/_policysync"), "#compdef policysync\n") {
		t.Error("zsh doesn't take its completion for one")
	}

	// the service is there and isn't begun: it has no tokens yet
	hardened(t, m.path("usr/lib/systemd/system/policysync.service"), m.path("usr/bin/policysync"))
	if m.has("etc/systemd/system/multi-user.target.wants/policysync.service") {
		t.Error("the service is enabled")
	}

	// another installation leaves the config as it is, removal also the state
	m.write(configFile, "# mine\n")
	m.write("var/lib/policysync/state.db", "state")
	m.dpkg("--install", deb)
	if got := m.read(configFile); got != "# mine\n" {
		t.Errorf("the config is now %s", got)
	}
	m.dpkg("--remove", "policysync")
	if m.has("usr/bin/policysync") || m.read(configFile) != "# mine\n" {
		t.Error("after removal the program is there, or the config isn't")
	}
	m.dpkg("--purge", "policysync")
	if m.has(configFile) || m.read("var/lib/policysync/state.db") != "state" {
		t.Error("after purging the config is there, or the state isn't")
	}
}

// manPages checks that there is a page for each command.
func (m machine) manPages() {
	m.Helper()
	pages, err := filepath.Glob(m.path("usr/share/man/man1/policysync*.1.gz"))
	check(m.T, err)
	if len(pages) < 15 {
		m.Errorf("there are %d man pages", len(pages))
	}
	for _, page := range pages {
		packed, err := os.Open(page)
		check(m.T, err)
		_, err = gzip.NewReader(packed)
		check(m.T, err)
		check(m.T, packed.Close())
	}
	if said := output(m.T, "mandoc", "-T", "lint", "-W", "error", m.path("usr/share/man/man1/policysync-run.1.gz")); said != "" {
		m.Error(said)
	}
}

func TestDebianFindsNoErrorsInTheDeb(t *testing.T) {
	t.Parallel()
	for _, arch := range []string{"amd64", "arm64"} {
		output(t, "lintian", "--allow-root", "--fail-on", "error", one(t, "policysync_*_"+arch+".deb"))
	}
}

func TestRPMHasTheSameAndKeepsTheConfig(t *testing.T) {
	t.Parallel()
	rpm := one(t, "policysync-*.x86_64.rpm")
	files := map[string]string{} // and their flags: c config, n noreplace
	for line := range strings.Lines(output(t, "rpm", "-qp", "--qf", `[%{FILENAMES} %{FILEFLAGS:fflags} %{FILEMODES:perms} %{FILEUSERNAME}\n]`, rpm)) {
		name, facts, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[name] = strings.TrimSpace(facts)
	}
	for name, want := range map[string]string{
		"/usr/bin/policysync":                                  "-rwxr-xr-x root",
		"/etc/policysync/policysync.yaml":                      "cn -rw-r--r-- root",
		"/usr/lib/systemd/system/policysync.service":           "-rw-r--r-- root",
		"/usr/lib/sysusers.d/policysync.conf":                  "-rw-r--r-- root",
		"/usr/lib/tmpfiles.d/policysync.conf":                  "-rw-r--r-- root",
		"/usr/share/man/man1/policysync.1.gz":                  "-rw-r--r-- root",
		"/usr/share/bash-completion/completions/policysync":    "-rw-r--r-- root",
		"/usr/share/zsh/site-functions/_policysync":            "-rw-r--r-- root",
		"/usr/share/fish/vendor_completions.d/policysync.fish": "-rw-r--r-- root",
		"/usr/share/licenses/policysync/LICENSE":               "-rw-r--r-- root",

		"/usr/share/licenses/policysync/third-party-licences.txt": "-rw-r--r-- root",

		"/usr/share/doc/policysync/CHANGELOG.md.gz": "-rw-r--r-- root",
	} {
		if files[name] != want {
			t.Errorf("%s is %q, want %q; there are %q", name, files[name], want, files)
		}
	}
	m := newMachine(t)
	output(t, "rpm", "--root", m.root, "--initdb")
	output(t, "rpm", "--root", m.root, "--install", "--nodeps", "--noscripts", "--ignorearch", rpm)
	if said := output(t, m.path("usr/bin/policysync"), "version"); !strings.HasPrefix(said, "policysync v") {
		t.Errorf("it says %s", said)
	}
	output(t, "rpm", "--root", m.root, "--verify", "--nodeps", "--noscripts", "policysync")
}
