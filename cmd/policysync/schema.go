package main

import (
	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/schema"
)

//go:generate sh -c "go run . schema >../../policy.schema.json"

func newSchema(a *app) *cobra.Command {
	write := schema.Manifest
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a manifest, for editors",
		Long: `Print the JSON Schema (draft 2020-12) of a manifest, or of the config file.

Keep it beside the folder of manifests, and name it at the head of each:

  policysync schema >policy.schema.json
  # yaml-language-server: $schema=../policy.schema.json

Editors that know the YAML language server then complete keys, say what they
are for, and mark mistakes.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			text, err := write()
			a.say("%s", text)
			return err
		},
	}
	c.Flags().BoolFunc("config", "print the schema of policysync.yaml instead", func(string) error {
		write = schema.Config
		return nil
	})
	return c
}
