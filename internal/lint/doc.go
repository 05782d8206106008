// Package lint looks for what is most likely a mistake in policies that are
// valid: who gets in without anybody meaning it, and what has no effect.
//
//	lint.go       the table of lints; adding one is adding a row, and its page
//	check.go      all lints over a set of manifests
//	ignore.go     the comments that silence them
//	subject.go    a policy as the checks see it
//	open.go       PS1xx: who gets in that shouldn't
//	dead.go       PS2xx: rules that match nobody
//	settings.go   PS3xx: settings without effect
//	redundant.go  PS4xx: rules that say nothing, or not what they seem to
//
// It is pure: values in, findings out. Each lint has a page, docs/lints/CODE.md.
package lint
