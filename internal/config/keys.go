package config

import "regexp"

// Key is a key of the file as its reference and its schema describe it.
type Key struct {
	Name    string   // with the keys above it, and [] behind a list of sections: targets[].source.url
	Words   []string // the words that there are; none: any text, or none at all
	Values  string   // what may be written there, in words; of Words, "list of" where there may be several
	Default string   // what it is when left out, as it would be written; "": nothing, or what other things say
	Unset   string   // what these say, in words; "": nothing
	Doc     string   // what it is for, in Markdown, whose links are those of the reference
}

// Text is Doc without links.
func (k Key) Text() string { return links.ReplaceAllString(k.Doc, "$1") }

var links = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)

// Keys returns all keys, in the file's order, each section before its keys. The
// caller must not alter what is shared by the result.
func Keys() []Key { return allKeys }

var allKeys = []Key{
	{Name: "targets", Doc: "the Git sources, each with the Cloudflare account that it is for"},
	{
		Name: "targets[].name", Values: "text of `a-z`, `0-9`, `-`", Unset: "required",
		Doc: "names the target in commands, logs and metrics; no two are the same",
	},
	{
		Name: "targets[].account_id", Values: "32 hex digits", Unset: "required",
		Doc: "the Cloudflare account",
	},
	{Name: "targets[].source", Doc: "where the manifests come from"},
	{
		Name: "targets[].source.url", Values: "URL, scp-like address or path", Unset: "required",
		Doc: "the Git repository; without credentials, which belong in `auth`",
	},
	{
		Name: "targets[].source.branch", Values: "text", Unset: "`main`, when neither `tag` nor `commit` is set",
		Doc: "the branch to follow",
	},
	{
		Name: "targets[].source.tag", Values: "text",
		Doc: "a tag instead of the branch",
	},
	{
		Name: "targets[].source.commit", Values: "full hash, lower case",
		Doc: "one commit instead of the branch",
	},
	{
		Name: "targets[].source.path", Values: "folder", Default: "policies",
		Doc: "where in the repository the manifests are; `.` is all of it",
	},
	{Name: "targets[].source.auth", Doc: "how policysync and the Git server prove themselves to each other"},
	{
		Name: "targets[].source.auth.username", Values: "text", Default: "git",
		Doc: "the user at the Git server: sent with the password; for ssh, where the URL names none",
	},
	{
		Name: "targets[].source.auth.password_file", Values: "file",
		Doc: "holds the password or access token for a server reached by https",
	},
	{
		Name: "targets[].source.auth.ca_file", Values: "file",
		Doc: "PEM certificates of the authorities that an https server's certificate may come from; with it, the system's don't count",
	},
	{
		Name: "targets[].source.auth.ssh_key_file", Values: "file",
		Doc: "private key for ssh: ed25519, ecdsa or rsa, in OpenSSH's or PEM form; required with an ssh URL",
	},
	{
		Name: "targets[].source.auth.ssh_passphrase_file", Values: "file",
		Doc: "the passphrase of an encrypted `ssh_key_file`",
	},
	{
		Name: "targets[].source.auth.known_hosts_file", Values: "file",
		Doc: "the keys of ssh servers; required with an ssh URL",
	},
	{Name: "targets[].source.auth.github_app", Doc: "the login of a GitHub App; all of its keys are needed"},
	{
		Name: "targets[].source.auth.github_app.app_id", Values: "whole number", Default: "0",
		Doc: "a GitHub App that reads the repository by https, instead of a password",
	},
	{
		Name: "targets[].source.auth.github_app.installation_id", Values: "whole number", Default: "0",
		Doc: "its installation",
	},
	{
		Name: "targets[].source.auth.github_app.private_key_file", Values: "file",
		Doc: "its private key, as GitHub gives it out",
	},
	{Name: "targets[].source.verify", Doc: "the keys of those whose signatures are trusted; with none, whatever the repository has is"},
	{
		Name: "targets[].source.verify.openpgp_keys_file", Values: "file",
		Doc: "OpenPGP public keys of those who must have [signed](../signed-commits.md) the commit or, with `tag`, the tag",
	},
	{
		Name: "targets[].source.verify.ssh_allowed_signers_file", Values: "file",
		Doc: "the same for ssh keys, as OpenSSH's allowed_signers; with both, a key of either file is enough",
	},
	{
		Name: "targets[].source.fast_forward_only", Values: "`true` or `false`", Default: "false",
		Doc: "`true` refuses a branch that was [moved back or aside](#moved-branches); else that is only logged and counted",
	},
	{Name: "targets[].cloudflare", Doc: "how to reach the account"},
	{
		Name: "targets[].cloudflare.api_token_file", Values: "file", Unset: "env `CLOUDFLARE_API_TOKEN`",
		Doc: "holds the API token",
	},
	{
		Name: "targets[].cloudflare.email", Values: "text", Unset: "env `CLOUDFLARE_EMAIL`",
		Doc: "the user of an API key, the older scheme",
	},
	{
		Name: "targets[].cloudflare.api_key_file", Values: "file", Unset: "env `CLOUDFLARE_API_KEY`",
		Doc: "holds the API key",
	},
	{
		Name: "targets[].cloudflare.base_url", Values: "http or https URL", Unset: "env `CLOUDFLARE_BASE_URL`, else `https://api.cloudflare.com/client/v4`",
		Doc: "where the API is",
	},
	{
		Name: "targets[].cloudflare.requests_per_5m", Values: "1 to 1200", Default: "600",
		Doc: "requests that this target and all others with the same token may send in any five minutes, counted across restarts; of several values the smallest holds. Cloudflare allows a user 1200: half stays for people",
	},
	{
		Name: "targets[].mode", Words: []string{"create-only", "upsert", "sync"}, Default: "create-only",
		Doc: "what may be changed: only missing policies created; changed ones updated too; those gone from Git deleted too",
	},
	{
		Name: "targets[].adopt", Words: []string{"identical", "always", "never"}, Default: "identical",
		Doc: "when a live policy with a manifest's name, but not made by policysync, becomes its own",
	},
	{
		Name: "targets[].drift", Words: []string{"report", "heal"}, Default: "report",
		Doc: "what happens to a policy that was changed in the account: shown, or put back where the mode allows updates, three times in a row at most",
	},
	{
		Name: "targets[].schedule", Values: "schedule", Default: "@every 1m",
		Doc: "when runs begin: a [schedule](#schedules)",
	},
	{
		Name: "targets[].schedule_jitter", Values: "duration", Default: "0s",
		Doc: "begins each scheduled run up to this much later, each target by a share of its own, so that many targets don't begin at the same moment",
	},
	{
		Name: "targets[].full_list_every", Values: "duration, at least `1s`", Default: "10m",
		Doc: "the live account is listed at least this often, even if Git is unchanged",
	},
	{Name: "targets[].limits", Doc: "how much of the account one plan may touch"},
	{
		Name: "targets[].limits.max_changes", Values: "`1%` to `100%`", Default: "50%",
		Doc: "the share of our policies that one plan may update, rename or delete; what `adopt: always` adopts to update it counts among them",
	},
	{
		Name: "targets[].limits.max_deletes", Values: "`0%` to `100%`", Default: "10%",
		Doc: "the share of our policies that one plan may delete",
	},
	{
		Name: "targets[].limits.min_policies", Values: "whole number, at least 0", Default: "10",
		Doc: "with fewer policies of ours than this, the two shares don't count",
	},
	{
		Name: "targets[].vars", Values: "object of texts, numbers, booleans",
		Doc: "what [manifests](manifest.md#variables) may take from the target, as `${vars.name}`; no secrets: what they hold ends up in policies and plans",
	},
	{Name: "state", Doc: "where policysync remembers what it applied"},
	{
		Name: "state.url", Values: "`sqlite://` and an absolute path", Unset: "see below",
		Doc: "where policysync remembers what it applied (`postgres://`: later)",
	},
	{
		Name: "state.history_retention", Values: "days, `0d` to `99999d`", Default: "400d",
		Doc: "how long runs, their changes and what else the timeline tells are kept, in days; `0d` is for ever. Each target's latest run stays in any case",
	},
	{Name: "audit", Doc: "where else each write to the account is written down"},
	{
		Name: "audit.file", Values: "file",
		Doc: "a file to which each write to the account is appended, each line vouching for those before it; while it can't be written, nothing is written to the account",
	},
	{
		Name: "freeze", Words: []string{"all", "deletes", "widening"}, Values: "list of", Unset: "`[]`",
		Doc: "stops changes: all of them; deletes; those that let more people in. Any one place that [freezes](#freezing) is enough",
	},
	{Name: "server", Doc: "what policysync listens on, and for whom"},
	{
		Name: "server.listen", Values: "host:port", Default: "127.0.0.1:8080",
		Doc: "where all is served that has no address of its own; `:8080` is every address",
	},
	{
		Name: "server.metrics_listen", Values: "host:port",
		Doc: "where metrics and health alone are served; metrics then aren't at `listen`",
	},
	{
		Name: "server.webhooks_listen", Values: "host:port",
		Doc: "where webhooks alone are received; then they aren't at `listen`",
	},
	{Name: "server.tls", Doc: "the server's certificate, for https; both files are needed"},
	{
		Name: "server.tls.cert_file", Values: "file",
		Doc: "a certificate in PEM, with which `listen` and `webhooks_listen` speak https, followed by those between it and its authority",
	},
	{
		Name: "server.tls.key_file", Values: "file",
		Doc: "its key, in PEM, without a passphrase",
	},
	{
		Name: "server.api_token_file", Values: "file",
		Doc: "holds the token that the [API](http.md#the-api) asks for, and with which people [sign in](http.md#who-may-look) to the status page",
	},
	{Name: "server.access", Doc: "the Cloudflare Access application in front of the server"},
	{
		Name: "server.access.team_domain", Values: "text",
		Doc: "the [Cloudflare Access](../behind-access.md) team whose logins are trusted, such as `example.cloudflareaccess.com`; with it, who comes from this machine needs a login too",
	},
	{
		Name: "server.access.audience", Values: "text",
		Doc: "the AUD tag of the Access application; required with `team_domain`",
	},
	{
		Name: "server.access.operators", Values: "list of text", Unset: "`[]`",
		Doc: "who, of those let through by Access, may do more than look: `ann@example.com`, `group:NAME` of the identity provider, `service:CLIENT_ID` of a service token",
	},
	{
		Name: "server.insecure_public", Values: "`true` or `false`", Default: "false",
		Doc: "`true` lets anybody look who reaches the server; else, where others than this machine may reach it, `api_token_file` or `access` is required",
	},
	{Name: "server.webhooks", Doc: "the receivers of webhooks, each there when it has a secret"},
	{
		Name: "server.webhooks.github.secret_files", Values: "list of files", Unset: "`[]`",
		Doc: "any of these secrets may sign [webhooks](../webhooks.md) from GitHub; with none there is no receiver",
	},
	{
		Name: "server.webhooks.gitlab.secret_files", Values: "list of files", Unset: "`[]`",
		Doc: "from GitLab",
	},
	{
		Name: "server.webhooks.gitea.secret_files", Values: "list of files", Unset: "`[]`",
		Doc: "from Gitea and Forgejo",
	},
	{
		Name: "server.webhooks.gogs.secret_files", Values: "list of files", Unset: "`[]`",
		Doc: "from Gogs",
	},
	{
		Name: "server.webhooks.bitbucket.secret_files", Values: "list of files", Unset: "`[]`",
		Doc: "from Bitbucket",
	},
	{
		Name: "server.webhooks.generic.secret_files", Values: "list of files", Unset: "`[]`",
		Doc: "from anything else",
	},
	{Name: "log", Doc: "what is logged, and how"},
	{
		Name: "log.level", Words: []string{"debug", "info", "warn", "error"}, Default: "info",
		Doc: "the least severe lines that are written",
	},
	{
		Name: "log.format", Words: []string{"json", "console"}, Default: "json",
		Doc: "one object a line, or lines for people",
	},
}
