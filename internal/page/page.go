// Package page is the status page: it tells whoever is on call whether Git and
// the account agree, since when, and what to do if not.
package page

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

// Target is what the page tells of a target's settings.
type Target struct {
	Name  string
	Mode  diff.Mode
	Drift diff.Drift
}

// Budget is how many requests may be sent to an account.
type Budget struct {
	Left  int       // now
	Limit int       // at most; 0: that isn't known
	More  time.Time // when there will be more; zero: nothing is used up
}

// Tenth returns a tenth of the limit; where less is left, that is marked.
func (b Budget) Tenth() int { return b.Limit / 10 }

// Low reports whether less than a tenth is left.
func (b Budget) Low() bool { return b.Left < b.Tenth() }

// Options are what the page shows. All are required, and are used concurrently.
type Options struct {
	Targets func() []Target               // in the order in which to show them
	State   state.Reader                  // what is recorded
	Watch   *Watch                        // what the runs have told
	Next    func(target string) time.Time // when its next run begins; zero: that isn't known
	Stalled func() []string               // targets whose loop has shown no sign of life in time
	Now     func() time.Time
	Actions Actions
	Budget  func(target string) Budget // of the requests that it may send to the account

	// Users returns the applications that use the policy of that id, or why that
	// can't be told now, within seconds.
	Users func(ctx context.Context, target, id string) ([]policy.App, error)
}

// server answers requests of those who may see as much as one visitor.
type server struct {
	Options
	sees  visitor.Visitor // of whom only that matters
	seals *seals
	pages *template.Template
	rows  *shelf
}

// Handler returns the handler of the page's routes; whether one may look is for
// its caller to know. Who isn't to see addresses (visitor.Of) sees none in what
// comes from outside, nor finds a policy by one:
//
//	GET /                          every target
//	GET /targets/{target}          one target's policies; ?q= searches, ?state= filters, ?page= turns the page
//	GET /targets/{target}/policy   the policy of ?key=, or of ?ref= in place of a key with an address
//	GET /targets/{target}/runs     its runs, and what happened besides; ?page=
//	POST /targets/{target}/sync, …/resume
//	GET, POST /targets/{target}/suspend
//	GET /runs/{run}                a run; ?page= of its changes
//	GET /events                    tells which targets change, as server-sent events
//	GET /assets/…                  style sheet, icon and scripts
//
// No page needs its scripts.
func Handler(o Options) http.Handler {
	rows, seals, shipped := &shelf{}, newSeals(), load("style.css", "icon.svg", "idiomorph.min.js", "live.js")
	all := (&server{Options: o, sees: visitor.Visitor{Addresses: true}, seals: seals, rows: rows}).routes()
	some := (&server{Options: o, seals: seals, rows: rows}).routes()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{file}", shipped.serve)
	mux.Handle("GET /events", &streams{&o.Watch.feed, shipped.version, make(chan struct{}, maxStreams)})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if visitor.Of(r.Context()).Addresses {
			all.ServeHTTP(w, r)
			return
		}
		some.ServeHTTP(w, r)
	})
	return secure(mux)
}

func (s *server) routes() http.Handler {
	s.parse()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.overview)
	mux.HandleFunc("GET /targets/{target}", s.target(s.policies))
	mux.HandleFunc("GET /targets/{target}/policy", s.target(s.policy))
	mux.HandleFunc("GET /targets/{target}/runs", s.target(s.timeline))
	mux.HandleFunc("GET /runs/{run}", s.run)
	mux.HandleFunc("POST /targets/{target}/sync", s.act(s.sync))
	mux.HandleFunc("POST /targets/{target}/resume", s.act(s.resume))
	mux.HandleFunc("GET /targets/{target}/suspend", s.act(s.suspendForm))
	mux.HandleFunc("POST /targets/{target}/suspend", s.act(s.suspend))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, http.StatusNotFound, "There is no page "+clip(r.URL.Path)+".")
	})
	return mux
}

func (s *server) parse() {
	s.pages = template.Must(template.New("").Funcs(s.functions()).ParseFS(files, "assets/*.html"))
}

// secure lets the page load nothing but its own files and itself, and nobody
// frame it or send its forms elsewhere.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
			"Cache-Control":           "no-store",

			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// frame is what every page has.
type frame struct {
	Title   string
	Target  string // that it is about; "": none
	Refresh int    // seconds until it loads itself anew where no script does better; 0: never, as people may be typing
	Now     time.Time
	Live    bool  // scripts keep it as it would be shown now
	Since   int64 // the version of the feed that it shows at least
	Who     visitor.Visitor
	Path    string // and query, to come back to
}

// refreshing is after how many seconds pages load themselves anew.
const refreshing = 30

// live returns the frame of a page that is kept up to date. Ask for it before for what the
// page shows, so that nothing changes unseen in between.
func (s *server) live(r *http.Request, title, target string) frame {
	f := s.still(r, title, target)
	f.Refresh, f.Live, f.Since = refreshing, true, s.Watch.feed.now()
	return f
}

// still returns the frame of a page that stays as it is.
func (s *server) still(r *http.Request, title, target string) frame {
	return frame{Title: title, Target: target, Now: s.Now(), Who: visitor.Of(r.Context()), Path: r.URL.RequestURI()}
}

// show answers with a page, whole or not at all.
func (s *server) show(w http.ResponseWriter, status int, page string, view any) {
	var text bytes.Buffer
	if err := s.pages.ExecuteTemplate(&text, page, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // the one who asked is gone: nobody is left to tell
}

type failurePage struct {
	frame
	Problem string
}

func (s *server) fail(w http.ResponseWriter, status int, problem string) {
	s.show(w, status, "failure", failurePage{frame{Title: http.StatusText(status), Now: s.Now()}, problem})
}

// target answers for the targets that there are.
func (s *server) target(next func(w http.ResponseWriter, r *http.Request, target string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("target")
		if _, known := s.find(name); !known {
			s.unknown(w, name)
			return
		}
		next(w, r, name)
	}
}

// find returns the target of that name, if there still is one.
func (s *server) find(name string) (t Target, known bool) {
	all := s.Targets()
	i := slices.IndexFunc(all, func(t Target) bool { return t.Name == name })
	if i < 0 {
		return Target{}, false
	}
	return all[i], true
}

func (s *server) unknown(w http.ResponseWriter, target string) {
	s.fail(w, http.StatusNotFound, "No target is named "+clip(target)+".")
}

func (s *server) functions() template.FuncMap {
	return template.FuncMap{
		"clip":     func(text string) string { return clip(s.sees.Text(text)) },
		"own":      clip, // what somebody is told of themselves
		"lines":    func(text string) string { return lines(s.sees.Text(text)) },
		"policyAt": s.policyAt, "word": word, "mood": mood, "remedy": remedy, "short": short, "took": took,
		"ago":   func(t time.Time) string { return ago(s.Now().Sub(t)) },
		"long":  func(t time.Time) string { return cmp.Or(rough(s.Now().Sub(t)), "less than a second") },
		"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"hour":  func(t time.Time) string { return t.UTC().Format(time.TimeOnly) },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// longest is how much is shown of a text from outside, in characters.
const longest = 300

// clip returns a text of others so that it can't be misread or fill the page.
func clip(text string) string { return render.Plain(cut(text, longest)) }

// cut returns a text, or as many of its characters and a mark.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// lines is clip for a text of several lines.
func lines(text string) string {
	const most = 4000 // characters
	var all []string
	for line := range strings.Lines(cut(text, most)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, render.Plain(line))
		}
	}
	return strings.Join(all, "\n")
}

// short returns what people call a commit.
func short(commit string) string {
	const digits = 12
	return commit[:min(digits, len(commit))]
}

func took(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond / 10).String()
	}
	return d.Round(time.Second / 10).String()
}

// ago says how long ago something was, or how soon it will be, roughly.
func ago(d time.Duration) string {
	text := rough(d.Abs())
	switch {
	case text == "":
		return "now"
	case d < 0:
		return "in " + text
	default:
		return text + " ago"
	}
}

func rough(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch n := d / unit.size; n {
		case 0:
		case 1:
			return "1 " + unit.name
		default:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return ""
}

// holds reports whether a text has another in it, whatever their case.
func holds(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
