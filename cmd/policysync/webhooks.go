package main

import (
	"net/http"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

// newWebhooks returns the receivers that the config has secrets for. They wake
// its targets.
func newWebhooks(s *service) http.Handler {
	return webhook.Handler(webhook.Options{
		Secrets: func() map[webhook.Provider][]secret.Source { return webhookSecrets(s.config()) },
		Targets: func() []webhook.Target { return webhookTargets(s.config()) },
		Waker:   s, Observe: func(d webhook.Delivery) { s.sink.Emit(webhookDone(d)) },
	})
}

func webhookSecrets(cfg *config.Config) map[webhook.Provider][]secret.Source {
	all := map[webhook.Provider][]secret.Source{}
	configured := cfg.Server.Webhooks.Configured()
	for _, provider := range webhook.Providers() {
		if secrets, has := configured[string(provider)]; has {
			all[provider] = secrets
		}
	}
	return all
}

func webhookTargets(cfg *config.Config) []webhook.Target {
	all := make([]webhook.Target, len(cfg.Targets))
	for i, t := range cfg.Targets {
		all[i] = webhook.Target{Name: t.Name, URL: t.Source.URL, Ref: followed(t.Source)}
	}
	return all
}

// followed returns the whole name of the ref that may move; none for a commit.
func followed(s config.Source) string {
	switch {
	case s.Branch != "":
		return "refs/heads/" + s.Branch
	case s.Tag != "":
		return "refs/tags/" + s.Tag
	default:
		return ""
	}
}

// Wake makes the target run, and has its run measured from the push.
func (s *service) Wake(target string, p webhook.Push) bool {
	if r := s.inForce.Load().runners[target]; r != nil {
		r.Pushed(p.Commit, p.At)
	}
	return s.daemon.WakeOne(target, event.Webhook)
}

func webhookDone(d webhook.Delivery) event.WebhookDone {
	return event.WebhookDone{
		Provider: string(d.Provider), Result: string(d.Result), Reason: d.Reason, Delivery: d.ID,
		Ref: d.Push.Ref, Commit: d.Push.Commit, Pusher: d.Push.Pusher, Woken: d.Woken, Suspended: d.Suspended,
	}
}
