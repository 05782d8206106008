// Package config reads policysync.yaml: strictly, with defaults, and with
// every mistake of the file reported at once at its line and column.
//
//	text ──► yamltree.Value ──► fields, by their yaml tags ──► checks ──► Config
//	         strict YAML,   unknown keys, types, ${ENV},   values, and what
//	         one document   defaults                       goes together
//
// Nothing secret is ever in a Config: it holds only the names of the files
// and environment variables that secrets are read from, and what a finding
// shows of the file is masked where a secret may stand.
package config
