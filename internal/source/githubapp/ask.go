package githubapp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/secret"
)

// longestAnswer caps what is read of an answer, in bytes.
const longestAnswer = 64 << 10

// answer is what the API says; after an error only Message is there.
type answer struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	Message   string    `json:"message"`
}

// ask asks for a token that may only read files.
func (t *Tokens) ask(ctx context.Context, client *http.Client) (token secret.Value, expires time.Time, err error) {
	response, err := t.post(ctx, client)
	if err != nil {
		return token, expires, fmt.Errorf("get a token for the GitHub App: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // all of it that counts has been read
	var a answer
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if jsonErr := json.Unmarshal(text, &a); jsonErr != nil {
		a.Message = "no JSON"
	}
	if err == nil && response.StatusCode == http.StatusCreated && a.Token != "" {
		return secret.New(a.Token), a.ExpiresAt, nil
	}
	return token, expires, t.explain(response, a.Message)
}

func (t *Tokens) post(ctx context.Context, client *http.Client) (*http.Response, error) {
	text, err := t.App.PrivateKey.Read()
	if err != nil {
		return nil, fmt.Errorf("read private_key_file: %w", err)
	}
	key, err := parseKey(text.Reveal())
	if err != nil {
		return nil, fmt.Errorf("read private_key_file %s: %w", t.App.PrivateKey.File, err)
	}
	jwt, err := sign(t.App.ID, key, time.Now())
	if err != nil {
		return nil, fmt.Errorf("sign for it: %w", err)
	}
	url := fmt.Sprintf("%s/app/installations/%d/access_tokens", t.API, t.App.InstallationID)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(`{"permissions":{"contents":"read"}}`)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+jwt)
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Github-Api-Version", "2022-11-28")
	return client.Do(request)
}

// explain says what is wrong when there is no token. GitHub's own words are
// added, but not those of pages, which may be of anybody.
func (t *Tokens) explain(response *http.Response, message string) error {
	advice := "try again later"
	switch low := strings.ToLower(message); {
	case strings.Contains(low, "suspended"):
		advice = "the installation is suspended: somebody has to unsuspend it in the organisation's settings"
	case skew(response) != 0:
		advice = fmt.Sprintf("this machine's clock is %s off the server's: set it right", skew(response))
	case response.StatusCode == http.StatusUnauthorized:
		advice = fmt.Sprintf("private_key_file isn't a key of the app %d: check app_id, and that the key wasn't deleted", t.App.ID)
	case strings.Contains(low, "integration not found"):
		advice = fmt.Sprintf("there is no app %d there: check app_id", t.App.ID)
	case response.StatusCode == http.StatusNotFound:
		advice = fmt.Sprintf("the app %d has no installation %d there: check installation_id", t.App.ID, t.App.InstallationID)
	case response.StatusCode == http.StatusUnprocessableEntity:
		advice = "the app may not read files: give it the repository permission Contents, read-only"
	case response.StatusCode == http.StatusForbidden:
		advice = "the app may not do this: check its permissions"
	}
	return fmt.Errorf("get a token for the GitHub App from %s: %s (status %d, %.100q)", t.API, advice, response.StatusCode, message)
}

// skew returns by how much our clock differs from the server's, when it is so
// much that a JWT is refused for it; else 0.
func skew(response *http.Response) time.Duration {
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if off := time.Since(theirs).Round(time.Second); err == nil && off.Abs() >= backdated {
		return off
	}
	return 0
}
