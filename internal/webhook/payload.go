package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// notice is what a payload says.
type notice struct {
	ping      bool
	locations []string // URLs of the repository; all of them name the same one
	updates   []update // refs that were pushed to; none where the event is no push
	pusher    string
	at        time.Time // zero: not told
}

// update is a ref that moved.
type update struct {
	ref     string // the whole name
	commit  string
	deleted bool
}

// parseGitHub parses the payloads of GitHub, which Gitea, Forgejo and Gogs send
// too, and which the generic receiver asks for.
func parseGitHub(event string, body []byte) (notice, error) {
	var p struct {
		Ref        string
		RefType    string `json:"ref_type"`
		After, SHA string // of a push; of Gitea's create
		Deleted    bool
		Repository gitHubRepository
		Pusher     person
		Sender     person
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return notice{}, err
	}
	switch event {
	case "ping":
		return notice{ping: true}, nil
	case "push", "create", "delete", "":
	default:
		return notice{locations: p.Repository.locations()}, nil
	}
	n := notice{locations: p.Repository.locations(), pusher: p.Pusher.or(p.Sender), at: p.Repository.pushedAt()}
	if len(n.locations) == 0 || p.Ref == "" {
		return n, errors.New("repository or ref is missing")
	}
	commit := p.After
	if commit == "" {
		commit = p.SHA
	}
	n.updates = []update{{fullRef(p.Ref, p.RefType), commit, p.Deleted || event == "delete" || isZero(p.After)}}
	return n, nil
}

type gitHubRepository struct {
	CloneURL string          `json:"clone_url"`
	SSHURL   string          `json:"ssh_url"`
	GitURL   string          `json:"git_url"`
	HTMLURL  string          `json:"html_url"`
	URL      string          `json:"url"`
	PushedAt json.RawMessage `json:"pushed_at"` // of a push: seconds; of other events, and from others: text
}

// UnmarshalJSON takes the URL alone, too, as whoever writes a hook by hand may
// send it.
func (r *gitHubRepository) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &r.URL); err == nil {
		return nil
	}
	type plain gitHubRepository
	return json.Unmarshal(text, (*plain)(r))
}

func (r *gitHubRepository) locations() []string {
	return present(r.CloneURL, r.SSHURL, r.GitURL, r.HTMLURL, r.URL)
}

func (r *gitHubRepository) pushedAt() time.Time {
	var seconds int64
	if json.Unmarshal(r.PushedAt, &seconds) == nil && seconds > 0 {
		return time.Unix(seconds, 0)
	}
	return time.Time{}
}

// person is a user, whichever name is told.
type person struct{ Login, Username, Name string }

func (p person) or(other person) string {
	names := present(p.Login, p.Username, p.Name, other.Login, other.Username, other.Name, "")
	return append(names, "")[0]
}

// parseGitLab parses the payloads of project, group and system hooks.
func parseGitLab(_ string, body []byte) (notice, error) {
	type location struct {
		GitHTTP string `json:"git_http_url"`
		GitSSH  string `json:"git_ssh_url"`
		Web     string `json:"web_url"`
	}
	type change struct{ Ref, After string }
	var p struct {
		change

		Kind       string `json:"object_kind"`
		Event      string `json:"event_name"` // of system hooks
		User       string `json:"user_username"`
		UserName   string `json:"user_name"`
		Project    location
		Repository location
		Changes    json.RawMessage // of other events: an object
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return notice{}, err
	}
	n := notice{
		locations: present(p.Project.GitHTTP, p.Project.GitSSH, p.Project.Web, p.Repository.GitHTTP, p.Repository.GitSSH),
		pusher:    person{Login: p.User, Name: p.UserName}.or(person{}),
	}
	changes := []change{p.change}
	switch {
	case p.Kind == "push" || p.Kind == "tag_push" || p.Event == "push" || p.Event == "tag_push":
	case p.Event == "repository_update":
		if err := json.Unmarshal(p.Changes, &changes); err != nil {
			return n, fmt.Errorf("changes: %w", err)
		}
	default:
		return n, nil
	}
	for _, c := range changes {
		if c.Ref == "" {
			return n, errors.New("ref is missing")
		}
		n.updates = append(n.updates, update{fullRef(c.Ref, ""), c.After, isZero(c.After)})
	}
	if len(n.locations) == 0 {
		return n, errors.New("project is missing")
	}
	return n, nil
}

// fullRef returns the whole name of a ref, of which some payloads tell only
// the last part.
func fullRef(ref, kind string) string {
	switch {
	case strings.HasPrefix(ref, "refs/"):
		return ref
	case kind == "tag":
		return "refs/tags/" + ref
	default:
		return "refs/heads/" + ref
	}
}

// isZero reports whether a commit is the one that Git writes where none is.
func isZero(commit string) bool { return commit != "" && strings.Trim(commit, "0") == "" }

// present returns the texts that aren't empty.
func present(texts ...string) []string {
	var some []string
	for _, text := range texts {
		if text != "" {
			some = append(some, text)
		}
	}
	return some
}
