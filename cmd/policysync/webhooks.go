package main

import (
	"net/http"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

// newWebhooks returns the receivers that the config has secrets for. They wake
// the config's targets, of which all are the reconcilers, and tell sink of each
// request.
func newWebhooks(cfg *config.Config, d *daemon.Daemon, all []*reconcile.Reconciler, sink event.Sink) http.Handler {
	o := webhook.Options{
		Secrets: map[webhook.Provider][]secret.Source{}, Waker: waker{d, all},
		Observe: func(d webhook.Delivery) { sink.Emit(webhookDone(d)) },
	}
	for name, secrets := range cfg.Server.Webhooks.Configured() {
		o.Secrets[webhook.Provider(name)] = secrets
	}
	for _, t := range cfg.Targets {
		o.Targets = append(o.Targets, webhook.Target{Name: t.Name, URL: t.Source.URL, Ref: followed(t.Source)})
	}
	return webhook.Handler(o)
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

// waker is a webhook.Waker of the daemon.
type waker struct {
	daemon *daemon.Daemon
	all    []*reconcile.Reconciler
}

// Wake makes the target run, and has its run measured from the push.
func (w waker) Wake(target string, p webhook.Push) bool {
	for _, r := range w.all {
		if r.Target == target {
			r.Pushed(p.Commit, p.At)
		}
	}
	return w.daemon.WakeOne(target, event.Webhook)
}

func webhookDone(d webhook.Delivery) event.WebhookDone {
	return event.WebhookDone{
		Provider: string(d.Provider), Result: string(d.Result), Reason: d.Reason, Delivery: d.ID,
		Ref: d.Push.Ref, Commit: d.Push.Commit, Pusher: d.Push.Pusher, Woken: d.Woken, Suspended: d.Suspended,
	}
}
