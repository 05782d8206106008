package config

import (
	"fmt"
	"regexp"
)

// reference matches $$, ${NAME}, and a ${ that isn't followed by a name and
// its closing brace.
var reference = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// expand puts the variables of env in place of ${NAME} and a dollar in place
// of $$; any other dollar stays. What is put in isn't looked at again. It
// returns a message for every variable that isn't set or named right, nil
// when there is none.
func expand(text string, env Env) (expanded string, problems []string) {
	expanded = reference.ReplaceAllStringFunc(text, func(found string) string {
		switch found {
		case "$$":
			return "$"
		case "${":
			problems = append(problems, "want ${NAME} for an environment variable, or $${ for a plain ${")
			return ""
		}
		name := found[2 : len(found)-1]
		value, ok := env(name)
		if !ok {
			problems = append(problems, fmt.Sprintf("the environment variable %s is not set: set it, or write $${%s} for the plain text", name, name))
		}
		return value
	})
	return expanded, problems
}

// unset reports whether a text has variables that env doesn't set.
func unset(text string, env Env) bool {
	for _, found := range reference.FindAllStringSubmatch(text, -1) {
		if _, ok := env(found[1]); !ok && found[1] != "" {
			return true
		}
	}
	return false
}
