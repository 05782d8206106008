package schema

// The patterns of texts in which environment variables stand, as those of
// manifests for variables.
const (
	environment          = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`
	environmentPieces    = `([^$]|\$[^{]|` + environment + `)*`
	environmentFilled    = environmentPieces + `\$?`
	environmentTemplated = environmentPieces + environment + environmentFilled
)

// configPatterns are what the texts of some keys match.
var configPatterns = map[string]string{
	"targets[].account_id":          `[0-9A-Fa-f]{32}`,
	"targets[].source.url":          repository,
	"targets[].source.commit":       `([0-9a-f]{40}|[0-9a-f]{64})?`,
	"targets[].source.path":         `[^/](.|\n)*`,
	"targets[].cloudflare.base_url": `([Hh][Tt][Tt][Pp][Ss]?://` + anyHost + `(/` + urlRest + `)?)?`,
	"targets[].schedule":            `((CRON_)?TZ=[^ ]+ +)?(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every ` + durationIn(anyUnit) + `|` + cronField + `( +` + cronField + `){4})`,
	"targets[].schedule_jitter":     durationIn(anyUnit),
	"targets[].full_list_every":     durationIn(anyUnit),
	"targets[].limits.max_changes":  `0*(100|[1-9][0-9]?)%`,
	"targets[].limits.max_deletes":  `0*(100|[0-9]{1,2})%`,
	"state.url":                     `(sqlite:(//)?(/[^\x00-\x1f\x7f/?#]+)+)?`,
	"state.history_retention":       `0*[0-9]{1,5}d`,
	"server.access.team_domain":     `([A-Za-z0-9-]+(\.[A-Za-z0-9-]+){2,}(:[0-9]+)?)?`,
	"server.listen":                 address,
	"server.metrics_listen":         `(` + address + `)?`,
	"server.webhooks_listen":        `(` + address + `)?`,
}

const (
	// A Git repository: a path or scp-like address, without ://; a URL of http or
	// https without a user; a URL of anything else without a password.
	repository = `([^:\x00-\x1f]|:+(/:+)*/?[^:/\x00-\x1f])+(:+(/:+)*/?)?|` +
		`([Hh][Tt][Tt][Pp][Ss]?://|[A-GI-Za-gi-z][A-Za-z0-9+.-]*://([^\x00-\x20\x7f/?#@:]+@)?)` + anyHost + `(/` + urlRest + `)?|` +
		`file://(/` + urlRest + `)`
	anyHost   = `(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f/?#@:\[\]\\^{|}%<>"` + "`" + `]+)(:[0-9]*)?`
	urlRest   = `([^\x00-\x1f\x7f?#%]|` + escaped + `)*`
	address   = `([^:/ \[\]]*|\[[^/ \[\]]*\]):0*(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})`
	cronField = `[0-9A-Za-z*/,?-]+`
)
