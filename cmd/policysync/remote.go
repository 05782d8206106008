package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/certificate"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/secret"
)

// apiEnv names the variable that holds the API's token for those who may not read its file.
const apiEnv = "POLICYSYNC_API_TOKEN"

// remote is the API of the running daemon.
type remote struct {
	base   string
	client *http.Client
	token  secret.Value
}

// remoteFlags adds the flags that say where the daemon is.
func (a *app) remoteFlags(c *cobra.Command) {
	c.Flags().StringVar(&a.flags.config, "config", "", "config `FILE` (default ./policysync.yaml, then /etc/policysync/policysync.yaml)")
	c.Flags().StringVar(&a.flags.server, "server", "", "`URL` of the daemon (default: server.listen of the config)")
}

// oneTarget wants the name of a target as the one argument.
func oneTarget(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name one target: policysync %s", c.Use)
	}
	return nil
}

// remote finds the daemon, and the token that it asks for.
func (a *app) remote() (*remote, error) {
	daemon, server, err := a.anonymous()
	if err != nil {
		return nil, err
	}
	if text, _ := a.env(apiEnv); text != "" {
		daemon.token = secret.New(text)
		return daemon, nil
	}
	daemon.token, err = server.APIToken.Read()
	if errors.Is(err, secret.ErrNotSet) {
		return nil, fmt.Errorf("no API token: set server.api_token_file in the config, or %s", apiEnv)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; or set %s", err, apiEnv)
	}
	return daemon, nil
}

// anonymous finds the daemon, for what needs no token, and what the config says
// of it.
func (a *app) anonymous() (*remote, config.Server, error) {
	file, err := config.Find(a.flags.config)
	if err != nil {
		return nil, config.Server{}, err
	}
	var cfg *config.Config
	if file == "" {
		cfg, err = config.FromEnvironment(a.env)
	} else {
		cfg, err = config.Load(file, a.env)
	}
	if err != nil {
		return nil, config.Server{}, err
	}
	base, err := baseURL(a.flags.server, cfg.Server)
	if err != nil {
		return nil, config.Server{}, err
	}
	client, err := clientOf(a.flags.server, cfg.Server)
	return &remote{base: base, client: client}, cfg.Server, err
}

// baseURL returns where the API is: at the server, if one is named, else where
// the daemon of the same config listens.
func baseURL(server string, daemon config.Server) (string, error) {
	if server != "" {
		u, err := url.Parse(server)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("--server is %q: want a URL such as https://policysync.example.com", server)
		}
		return u.JoinPath("/").String(), nil
	}
	host, port, err := net.SplitHostPort(daemon.Listen)
	if err != nil || port == "0" {
		return "", fmt.Errorf("server.listen is %q, which doesn't tell the port: name the daemon with --server", daemon.Listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if daemon.TLS.Certificate != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/", nil
}

// clientOf returns a client for the server, if one is named, else for the daemon
// of the same config, whose certificate it knows from there.
func clientOf(server string, daemon config.Server) (*http.Client, error) {
	if server != "" || daemon.TLS.Certificate == "" {
		return &http.Client{}, nil
	}
	known, err := certificate.Recognise(daemon.TLS.Certificate)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w; or name the daemon with --server", err)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: known, ForceAttemptHTTP2: true}}, nil
}

// post asks the daemon to do something to a target, and decodes its answer.
func (r *remote) post(ctx context.Context, target, action string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := r.base + "api/v1/targets/" + url.PathEscape(target) + "/" + action
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+r.token.Reveal())
	status, said, err := r.send(request)
	if err != nil {
		return err
	}
	return understand(request.URL, status, said, answer)
}

// send sends a request, and returns the answer's status and its body.
func (r *remote) send(request *http.Request) (status int, said []byte, err error) {
	response, err := r.client.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("no daemon answers: %w: start `policysync run`, or name another place with --server", err)
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	said, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("the daemon's answer broke off: %w: what was asked for may go on; see `policysync status`", err)
	}
	return response.StatusCode, said, nil
}

// understand decodes an answer, or returns the error that it tells.
func understand(asked *url.URL, status int, said []byte, answer any) error {
	if status < http.StatusBadRequest {
		if err := json.Unmarshal(said, answer); err != nil {
			return fmt.Errorf("%s answers what isn't policysync's: %w", asked.Host, err)
		}
		return nil
	}
	var problem struct{ Error string }
	_ = json.Unmarshal(said, &problem) // else the status has to do
	return errors.New(cmp.Or(problem.Error, fmt.Sprintf("%s answers %d %s", asked, status, http.StatusText(status))))
}
