package reconcile_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing/fstest"
	"time"

	manifests "github.com/policysync/policysync/internal/manifest"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// names are all names, and keys, of policies: few, so that they collide.
var names = []string{"a", "b", "c", "d", "e", "f"}

// bodies are what follows a policy's name; none of them is another's.
var bodies = []string{
	"decision: allow\ninclude:\n  - email_domain: {domain: one.example}\n",
	"decision: allow\ninclude:\n  - email_domain: {domain: two.example}\nsession_duration: 8h\n",
	"decision: deny\ninclude:\n  - everyone: {}\nexclude:\n  - geo: {country_code: us}\n  - email: {email: A@Example.com}\n",
	"decision: allow\ninclude:\n  - ip: {ip: 192.0.2.1}\nrequire:\n  - certificate: {}\napproval_required: true\n" +
		"approval_groups:\n  - approvals_needed: 1\n    email_addresses: [b@example.com]\n",
	"decision: bypass\ninclude:\n  - everyone: {}\nmfa_config: {allowed_authenticators: [totp]}\nisolation_required: false\n",
}

// declaration is a manifest.
type declaration struct {
	name, key, previously string
	body                  int // which of bodies
	protect, broken       bool
	expires               time.Time
}

// text writes the manifest.
func (d *declaration) text() string {
	text := "name: " + d.name + "\n" + bodies[d.body] + "policysync:\n  key: " + cmp.Or(d.key, d.name) + "\n"
	if d.previously != "" && d.previously != d.name {
		text += "  previously: [" + d.previously + "]\n"
	}
	if !d.expires.IsZero() {
		text += "  expires: " + d.expires.Format(time.DateOnly) + "\n"
	}
	if d.broken {
		text += "  unknown: setting\n"
	}
	return text + fmt.Sprintf("  protect: %v\n", d.protect)
}

// declare commits manifests.
func (m *model) declare(all ...declaration) {
	for i, d := range all {
		m.note("  %d. %+v", i, d)
	}
	files := fstest.MapFS{"README.md": {Data: []byte("policies")}}
	for i, d := range all {
		files[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(d.text())}
	}
	m.git.commit(files)
	if _, err := manifests.Decode(files); err == nil {
		m.sound = all
	} else {
		m.note("  Git is invalid")
	}
}

// editGit makes a commit, if the step is one.
func (m *model) editGit(s step) bool {
	all := slices.Clone(m.sound) // what is invalid somebody puts right
	var d *declaration
	if len(all) > 0 {
		d = &all[s.A%len(all)]
	}
	switch {
	case s.Do == "lose git":
		m.git.err = errDown
		return true
	case s.Do == "clear":
		all = nil
	case s.Do == "add":
		all = append(all, declaration{name: m.free(s.A, s.C), body: s.B % len(bodies)})
	case !slices.Contains([]string{"remove", "change", "rename", "rekey", "protect", "expire", "break"}, s.Do):
		return false
	case d == nil:
		return true
	case s.Do == "remove":
		all = slices.Delete(all, s.A%len(all), s.A%len(all)+1)
	default:
		d.edit(s, m.free(s.B, s.C))
	}
	m.git.err = nil
	m.declare(all...)
	return true
}

// free returns a name that no manifest has as name or key, if there is one and
// luck doesn't want a collision.
func (m *model) free(from, luck int) string {
	for i := range names {
		name := names[(from+i)%len(names)]
		if luck%16 == 15 || !slices.ContainsFunc(m.sound, func(d declaration) bool {
			return d.name == name || d.key == name || d.previously == name
		}) {
			return name
		}
	}
	return names[from%len(names)]
}

// edit alters a manifest.
func (d *declaration) edit(s step, free string) {
	switch s.Do {
	case "change":
		d.body, d.broken = s.B%len(bodies), false
	case "rename":
		old := d.name
		d.key, d.name = cmp.Or(d.key, old), free
		if s.C%2 == 0 {
			d.previously = old
		}
	case "rekey":
		d.key = free
	case "protect":
		d.protect = !d.protect
	case "expire":
		d.expires = []time.Time{{}, time.Now().AddDate(0, 0, -1), time.Now(), time.Now().AddDate(0, 0, 1)}[s.B%4]
	case "break":
		d.broken = !d.broken
	}
}

// editAccount does what somebody at the dashboard does.
func (m *model) editAccount(s step) {
	live := m.live()
	name := names[s.A%len(names)]
	if s.Do == "make" || s.Do == "make same" {
		if s.Do == "make same" && len(m.sound) > 0 {
			d := m.sound[s.A%len(m.sound)]
			name, s.B = d.name, d.body
		}
		id, err := m.account.Seed(policyOf(name, s.B%len(bodies)))
		m.must(err)
		m.note("  %s is %s", name, id)
		return
	}
	if len(live) == 0 {
		return
	}
	l := live[s.A%len(live)]
	m.note("  %s %s", l.ID, l.Name)
	m.touch(l.ID)
	switch s.Do {
	case "edit":
		m.must(m.account.Edit(l.ID, policyOf(l.Name, s.B%len(bodies))))
	case "delete":
		m.account.Remove(l.ID)
	case "rename live":
		p := l.Policy
		p.Name = names[s.B%len(names)]
		m.must(m.account.Edit(l.ID, p))
	case "set more":
		p := l.Policy
		p.Settings = map[string]any{"session_duration": fmt.Sprintf("%dh", 1+s.B), "purpose_justification_required": s.C%2 == 0}
		m.must(m.account.Edit(l.ID, p))
	case "attach":
		if l.AppCount > 0 {
			m.account.Detach(l.ID)
			return
		}
		m.must(m.account.Attach(l.ID, "app"))
	}
}

// touch notes that somebody has changed a policy: one that policysync doesn't
// know to be its own by then it can't tell from theirs.
func (m *model) touch(id string) {
	m.edited[id] = true
	if _, ours := m.seen.records[id]; !ours {
		delete(m.made, id)
	}
}

func policyOf(name string, body int) policy.Policy {
	set, err := manifests.Decode(fstest.MapFS{"a.yaml": {Data: []byte("name: " + name + "\n" + bodies[body])}})
	if err != nil {
		panic(err)
	}
	return set.Policies[0].Policy
}

// fail makes requests of some sort fail in some way.
func (m *model) fail(s step) {
	operations := []string{"", "list", "get", "create", "create", "update", "update", "delete"}
	kinds := []simulator.Kind{
		simulator.ServerError, simulator.HTML, simulator.SuccessFalse, simulator.LostReply, simulator.Silence,
		simulator.TooManyRequests, simulator.Refusal, simulator.CutJSON, simulator.BrokenBody, simulator.SlowBody,
		simulator.NullResult, simulator.ShortPage, simulator.Tampered,
	}
	f := simulator.Fault{
		Operation: operations[s.A%len(operations)], Kind: kinds[s.B%len(kinds)], Times: 1 + s.C%3, After: s.C%2 == 0,
		Delay:   []time.Duration{10 * time.Second, time.Minute}[s.C/2%2],
		Rewrite: func([]byte) []byte { return []byte(`{}`) },
	}
	if f.Kind == simulator.TooManyRequests {
		f.RetryAfter = 300 * time.Second
	}
	m.note("  %s fails with %s, after: %v, %d times", cmp.Or(f.Operation, "anything"), f.Kind, f.After, f.Times)
	m.account.Inject(f)
}
