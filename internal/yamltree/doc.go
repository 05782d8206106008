// Package yamltree reads YAML into plain values with positions, and writes
// such values: the part of manifests and config that is about YAML alone.
//
//	text → documents → Value{Shape, Text | Items | Entries, Line, Col}
//
// It is strict where YAML is generous. Aliases and merge keys are resolved;
// duplicate keys, tags, keys that aren't text and characters that YAML or an
// editor could take for a line break are findings. What a hostile file can
// cost is bounded: nesting, values after the expansion of aliases, findings.
//
// The YAML library is named here and nowhere else.
package yamltree
