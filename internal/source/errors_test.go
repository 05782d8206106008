package source_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source"
)

// wantError checks the end of an error's text, after the place, and whether it
// says that something is missing.
func wantError(t *testing.T, err error, text string, missing bool) {
	t.Helper()
	if !strings.HasPrefix(err.Error(), "fetch ") || !strings.HasSuffix(err.Error(), ": "+text) {
		t.Errorf("error %q does not begin with fetch and end in %q", err, text)
	}
	if got := errors.Is(err, source.ErrNotFound); got != missing {
		t.Errorf("error %q matches ErrNotFound: %t", err, got)
	}
	if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 800 {
		t.Errorf("error is not one short line: %q", err)
	}
}

func TestErrorSaysWhatTheRepositoryLacks(t *testing.T) {
	t.Parallel()
	const submodule = "0123456789012345678901234567890123456789"
	full := newRepository(t, files{"policies/a.yaml": "1", "link@": "policies", "module#": submodule, "file": "x"})
	full.git("branch", "dev", "main")
	many := newRepository(t, files{})
	for i := range 10 {
		many.git("branch", fmt.Sprintf("b%d", i), "main")
	}
	odd := newRepository(t, files{"a.yaml": "1"})
	odd.git("tag", "blob", odd.git("rev-parse", "main:a.yaml"))
	blob := odd.git("rev-parse", "blob")
	odd.git("tag", "--annotate", "--message=x", "tree", "main^{tree}")
	tree := odd.git("rev-parse", "main^{tree}")
	for name, c := range map[string]struct {
		repository *repository
		change     func(*source.Options)
		want       string
	}{
		"empty repository": {
			newRepository(t, nil), func(*source.Options) {},
			"the repository has no commits yet: push one to branch main",
		},
		"branch": {
			full, func(o *source.Options) { o.Branch = "prod" },
			"branch prod does not exist: the repository has dev, main",
		},
		"branch among many": {
			many, func(o *source.Options) { o.Branch = "prod" },
			"branch prod does not exist: the repository has b0, b1, b2, b3, b4, b5, b6, b7 and 3 more",
		},
		"tag": {
			full, func(o *source.Options) { o.Branch, o.Tag = "", "v1" },
			"tag v1 does not exist: the repository has none",
		},
		"tag of a file": {
			odd, func(o *source.Options) { o.Branch, o.Tag = "", "blob" },
			blob + " is a blob and not a commit",
		},
		"tag of a folder": {
			odd, func(o *source.Options) { o.Branch, o.Tag = "", "tree" },
			tree + " is a tree and not a commit",
		},
		"path": {
			full, func(o *source.Options) { o.Path = "policies/prod" },
			"path policies/prod is not in the commit: there is no prod: check source.path",
		},
		"path in another case": {
			full, func(o *source.Options) { o.Path = "Policies" },
			"path Policies is not in the commit: there is no Policies: check source.path",
		},
		"path is a file": {
			full, func(o *source.Options) { o.Path = "file" },
			"path file does not lead to a folder: file is a file",
		},
		"path is a link to a folder": {
			full, func(o *source.Options) { o.Path = "link" },
			"path link does not lead to a folder: link is a symbolic link",
		},
		"path is a submodule": {
			full, func(o *source.Options) { o.Path = "module/policies" },
			"path module/policies does not lead to a folder: module is a submodule",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, url := range []string{c.repository.dir, newServer(t, c.repository).repo()} {
				o := c.repository.options()
				o.URL, o.CacheDir = url, t.TempDir()
				c.change(&o)
				wantError(t, fetchError(t, newGit(t, o)), c.want, true)
			}
		})
	}
}

func TestErrorWhenThereIsNoRepository(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	web := newServer(t, newRepository(t, files{}))
	const local = "there is no Git repository: check the path"
	for name, c := range map[string]struct{ url, want string }{
		"missing path": {filepath.Join(folder, "nothing"), local},
		"file URL":     {"file://" + folder + "/nothing", local},
		"folder":       {folder, local},
		"http": {
			web.URL + "/other.git",
			"there is no Git repository, or this user may not see it: check the URL, user name and password",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := source.Options{URL: c.url, Branch: "main", CacheDir: filepath.Join(t.TempDir(), "git")}
			wantError(t, fetchError(t, newGit(t, o)), c.want, true)
			if _, err := os.Stat(o.CacheDir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a cache was made for nothing: %v", err)
			}
		})
	}
}

func TestErrorOfAFailingServerIsShortAndHasNoPassword(t *testing.T) {
	t.Parallel()
	const password = "s3cret/&päss"
	page := func(status int) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
			_, got, _ := q.BasicAuth()
			http.Error(w, loginPage+got+q.Header.Get("Authorization"), status)
		}
	}
	for name, c := range map[string]struct {
		username, password string
		fault              func(http.ResponseWriter, *http.Request, http.Handler)
		want               string
	}{
		"nobody": {want: "the server wants a user name and password: set them for this source"},
		"wrong password": {
			"robot", "x" + password, nil,
			"the server refused the user name and password: check both, and whether the token has expired",
		},
		"wrong user": {
			"other", password, nil,
			"the server refused the user name and password: check both, and whether the token has expired",
		},
		"no right": {
			"robot", password, page(http.StatusForbidden),
			"the server does not let this user read the repository: check the rights of the user or token",
		},
		"server error": {
			"robot", password, page(http.StatusBadGateway),
			`unexpected client error: unexpected requesting "SERVER/access.git/info/refs?service=git-upload-pack" status code: 502`,
		},
		"web page": {
			"robot", password, page(http.StatusOK),
			"the server's answer is not Git's: check that the URL is that of the repository and not of a web or login page",
		},
		"the password in Git's words": {"robot", password, func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
			_, got, _ := q.BasicAuth()
			text := "ERR what is\tthat:\x1b[31m " + got + " or " + q.Header.Get("Authorization") + strings.Repeat(" long", 100)
			_, _ = fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s", len(text)+4, text)
		}, "what is that:[31m [redacted] or Basic [redacted] long"},
	} {
		for _, inURL := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in URL %t", name, inURL), func(t *testing.T) {
				t.Parallel()
				r := newRepository(t, files{})
				web := newServer(t, r)
				web.setPassword(password)
				web.setFault(c.fault)
				o := r.options()
				o.URL = web.repo()
				if c.password != "" {
					setLogin(t, &o, c.username, c.password, inURL)
				}
				err := fetchError(t, newGit(t, o))
				for _, hidden := range []string{password, "s3cret", "robot:", "Basic cm"} {
					if strings.Contains(err.Error(), hidden) {
						t.Errorf("error %q contains %q", err, hidden)
					}
				}
				want := strings.ReplaceAll(c.want, "SERVER", web.URL)
				if name == "the password in Git's words" {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not contain %q", err, want)
					}
					return
				}
				wantError(t, err, want, false)
			})
		}
	}
}

func setLogin(t *testing.T, o *source.Options, username, password string, inURL bool) {
	t.Helper()
	if inURL {
		before, after, _ := strings.Cut(o.URL, "://")
		o.URL = before + "://" + username + ":" + strings.NewReplacer("/", "%2F", "&", "%26", "ä", "%C3%A4").Replace(password) + "@" + after
		return
	}
	o.Username, o.Password.File = username, filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(o.Password.File, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestErrorWhenTheServerIsGone(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	g := newGit(t, o)
	s := fetch(t, g)
	web.Close()
	if err := fetchError(t, g); errors.Is(err, source.ErrNotFound) {
		t.Errorf("a server that is gone is taken for a missing repository: %v", err)
	}
	wantFiles(t, s, files{"a.yaml": "1"})
}

func TestErrorWhenThePasswordIsNotSet(t *testing.T) {
	t.Parallel()
	o := newRepository(t, files{}).options()
	o.URL, o.Password = "https://git.example.com/a.git", secret.Source{Env: "POLICYSYNC_TEST_NOT_SET"}
	if err := fetchError(t, newGit(t, o)); !errors.Is(err, secret.ErrNotSet) {
		t.Errorf("error %v", err)
	}
}

func TestErrorWhenGitIsNotInstalled(t *testing.T) {
	r := newRepository(t, files{})
	t.Setenv("PATH", t.TempDir())
	wantError(t, fetchError(t, newGit(t, r.options())),
		"git-upload-pack is not installed: local repositories are read with it, so install git or use an https URL", false)
}

// hang says nothing until the client has gone away.
func hang(_ http.ResponseWriter, q *http.Request, _ http.Handler) { <-q.Context().Done() }

func TestFetchGivesUpOnASilentServer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"no list": hang,
		"half a pack": func(w http.ResponseWriter, q *http.Request, git http.Handler) {
			if halfOf(w, q, git); q.Method == http.MethodPost {
				hang(w, q, git)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, files{"a.yaml": scramble(1 << 16)})
			web := newServer(t, r)
			web.setFault(fault)
			o := r.options()
			o.URL, o.Timeout = web.repo(), time.Second/4
			err := fetchError(t, newGit(t, o))
			wantError(t, err, "the server sent nothing for 250ms: context deadline exceeded", false)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v does not match context.DeadlineExceeded", err)
			}
		})
	}
}

func TestCancelledFetchLeavesAUsableCache(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": scramble(1 << 16)}
	r := newRepository(t, want)
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	g := newGit(t, o)
	first := fetch(t, g)

	r.commit("main", "second", files{"b.yaml": scramble(1 << 16)})
	ctx, cancel := context.WithCancel(t.Context())
	web.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		if halfOf(w, q, git); q.Method == http.MethodPost {
			cancel()
			hang(w, q, git)
		}
	})
	if _, err := g.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v does not match context.Canceled", err)
	}
	wantFiles(t, first, want)
	if left, _ := filepath.Glob(filepath.Join(o.CacheDir, "*", "unfinished")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	web.setFault(nil)
	wantFiles(t, fetch(t, g), files{"b.yaml": scramble(1 << 16)})
}

func TestCancelledContextAsksNothing(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{})
	web := newServer(t, r)
	for _, url := range []string{web.repo(), r.dir} {
		o := r.options()
		o.URL = url
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newGit(t, o).Fetch(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", url, err)
		}
	}
	web.wantRequests()
}

func TestCutOffPackIsAnError(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": scramble(1 << 16)})
	web := newServer(t, r)
	web.setFault(halfOf)
	o := r.options()
	o.URL = web.repo()
	g := newGit(t, o)
	fetchError(t, g)
	web.setFault(nil)
	wantFiles(t, fetch(t, g), files{"a.yaml": scramble(1 << 16)})
}
