package config

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// teamDomain is the form of a team's domain, which ends with that of a provider and may have a port.
var teamDomain = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+){2,}(:\d+)?$`)

func (f *findings) server(s *Server) {
	f.listen(&s.Listen, "server.listen")
	f.listen(&s.MetricsListen, "server.metrics_listen", s.Listen)
	f.listen(&s.WebhooksListen, "server.webhooks_listen", s.Listen, s.MetricsListen)
	if (s.TLS.Certificate == "") != s.TLS.Key.IsZero() {
		f.report(f.first(&s.TLS), "server.tls needs both of cert_file and key_file")
	}
	guarded := s.APIToken.File != "" || s.Access.TeamDomain != "" || s.InsecurePublic
	f.want(!isListen(s.Listen) || guarded || !isPublic(s.Listen), &s.Listen, "server.listen", "others could look there without signing in: "+
		"set server.api_token_file or server.access, or listen on 127.0.0.1; or let them, with server.insecure_public: true")
	f.access(&s.Access)
	if s.InsecurePublic && s.Access.TeamDomain != "" {
		f.report(f.first(&s.InsecurePublic), "server has both access and insecure_public: keep one")
	}
}

// listen reports an address that is none, or is taken already.
func (f *findings) listen(address *string, key string, taken ...string) {
	const wanted = "want host:port, such as 127.0.0.1:8080 or :8080"
	if *address == "" && len(taken) > 0 {
		return
	}
	f.want(isListen(*address), address, key, wanted)
	free := strings.HasSuffix(*address, ":0") || !slices.Contains(taken, *address)
	f.want(free, address, key, "want an address that nothing else listens on, or none at all")
}

func (f *findings) access(a *Access) {
	if (a.TeamDomain == "") != (a.Audience == "") || a.TeamDomain == "" && len(a.Operators) > 0 {
		f.report(f.first(a), "server.access needs both team_domain and audience")
	}
	f.want(a.TeamDomain == "" || teamDomain.MatchString(a.TeamDomain), &a.TeamDomain, "server.access.team_domain",
		"want the team's domain alone, such as example.cloudflareaccess.com")
	for i := range a.Operators {
		f.want(isOperator(a.Operators[i]), &a.Operators[i], "an item of server.access.operators",
			"want an e-mail address, group:NAME or service:CLIENT_ID")
	}
}

// isOperator reports whether package access knows such a name.
func isOperator(text string) bool {
	kind, name, ok := strings.Cut(text, ":")
	if ok && (kind == "group" || kind == "service") {
		return name != ""
	}
	local, domain, ok := strings.Cut(text, "@")
	return ok && local != "" && domain != ""
}

func isListen(text string) bool {
	host, port, err := net.SplitHostPort(text)
	_, portErr := strconv.ParseUint(port, 10, 16)
	return err == nil && portErr == nil && !strings.ContainsAny(host, "/ ")
}

// isPublic reports whether others than this machine may reach an address: in
// doubt they may. What a name stands for isn't looked up.
func isPublic(listen string) bool {
	host, _, _ := net.SplitHostPort(listen) // isListen has it
	ip := net.ParseIP(host)
	return !strings.EqualFold(host, "localhost") && !ip.IsLoopback()
}
