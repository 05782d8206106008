package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

// printer is a webhook.Waker.
type printer struct{}

func (printer) Wake(target string, p webhook.Push) bool {
	fmt.Println("wake", target, "for", p.Ref)
	return true
}

func ExampleHandler() {
	dir, err := os.MkdirTemp("", "webhook")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("open sesame\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	handler := webhook.Handler(webhook.Options{
		Secrets: func() map[webhook.Provider][]secret.Source {
			return map[webhook.Provider][]secret.Source{webhook.GitLab: {{File: file}}}
		},
		Targets: func() []webhook.Target {
			return []webhook.Target{{Name: "production", URL: "git@example.com:mike/diaspora.git", Ref: "refs/heads/main"}}
		},
		Waker: printer{}, Observe: func(webhook.Delivery) {},
	})

	body := `{"object_kind": "push", "ref": "refs/heads/main", "project": {"git_http_url": "https://example.com/mike/diaspora.git"}}`
	r := httptest.NewRequest(http.MethodPost, "/webhooks/gitlab", strings.NewReader(body))
	r.Header.Set("X-Gitlab-Token", "open sesame")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// wake production for refs/heads/main
	// 202 {"result":"accepted","woken":["production"]}
}
