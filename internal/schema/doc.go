// Package schema writes JSON Schemas (draft 2020-12) of what people write:
// manifests and the config file, for editors and other tools.
//
//	tables of policy, manifest and config ──► jsonschema.Schema ──► JSON
//
// A schema takes what the decoder takes and refuses what it refuses, as far as
// a schema can: it sees one document, and values rather than how they are
// written. Its tests hold the two against each other. Only keywords that
// editors show well are used, and only patterns that mean the same to
// ECMAScript and RE2.
package schema
