package policy

import "strings"

// App is an application that uses policies.
type App struct {
	ID     string
	Name   string // its ID where it has none
	Domain string // that it is at; empty where it has none
	Type   string // as the account says, such as self_hosted; may be empty
}

// AppNames returns the names of applications for people, in their order.
func AppNames(apps []App) string {
	names := make([]string, len(apps))
	for i, a := range apps {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}
