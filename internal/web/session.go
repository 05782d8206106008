package web

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/secret"
)

const (
	sessionLasts = 12 * time.Hour
	sessionIdle  = 2 * time.Hour // without a request
	maxSessions  = 1000          // then the one that was used least lately ends

	sessionCookie = "policysync-session"
)

// sessions are those who have signed in, by the hash of what their cookie holds.
// They end with the process. The zero value has none.
type sessions struct {
	mu  sync.Mutex
	all map[hash]session
}

type hash [sha256.Size]byte

func hashOf(text string) hash { return sha256.Sum256([]byte(text)) }

type session struct {
	token       hash // that it was begun with
	began, used time.Time
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.began) >= sessionLasts || now.Sub(s.used) >= sessionIdle
}

// begin returns the id of a new session.
func (s *sessions) begin(token secret.Value, now time.Time) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[hash]session{}
	}
	if len(s.all) >= maxSessions {
		s.drop(now)
	}
	id = rand.Text()
	s.all[hashOf(id)] = session{hashOf(token.Reveal()), now, now}
	return id
}

// drop removes the sessions that are over, or else one.
func (s *sessions) drop(now time.Time) {
	var least hash
	for id, each := range s.all {
		if each.over(now) {
			delete(s.all, id)
		} else if first, ok := s.all[least]; !ok || each.used.Before(first.used) {
			least = id
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, least)
	}
}

// use reports whether there is a session of that id, begun with that token.
func (s *sessions) use(id string, token secret.Value, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := hashOf(id)
	found, ok := s.all[key]
	if !ok || found.over(now) || found.token != hashOf(token.Reveal()) {
		delete(s.all, key)
		return false
	}
	found.used = now
	s.all[key] = found
	return true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, hashOf(id))
}

// inSession reports whether who sent a request has signed in. Another server of the
// same host name may have set a cookie of the same name, which comes first.
func (g *gate) inSession(r *http.Request) bool {
	cookies := r.CookiesNamed(sessionCookie)
	if len(cookies) == 0 {
		return false
	}
	token, err := g.Token().Read()
	return err == nil && slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return g.sessions.use(c.Value, token, time.Now()) })
}

// cookie is that of a session; with no id, it takes the browser's away.
func cookie(r *http.Request, id string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // without https there is no Secure: a browser wouldn't send the cookie back
		Name: sessionCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}
