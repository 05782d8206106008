package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
)

// vantage is the target that manifests are checked for.
type vantage struct {
	name string
	vars config.Vars
	open bool // its variables aren't known
}

// vantages returns the targets that flags name, or one of which nothing is
// known.
func (a *app) vantages(c *cobra.Command) ([]vantage, error) {
	if a.flags.config == "" && a.flags.target == "" {
		vars, err := a.varsOfFlags()
		return []vantage{{vars: vars, open: len(vars) == 0}}, err
	}
	file, err := config.Find(a.flags.config)
	if err != nil {
		return nil, err
	}
	if file == "" {
		return nil, errors.New("there is no config file to look for the target in: name it with --config")
	}
	if err := a.onlyFile(c, file); err != nil {
		return nil, err
	}
	cfg, err := config.LoadVars(file, a.env)
	if err != nil {
		return nil, err
	}
	if err := a.choose(cfg); err != nil {
		return nil, err
	}
	all := make([]vantage, len(cfg.Targets))
	for i, t := range cfg.Targets {
		all[i] = vantage{name: t.Name, vars: t.Vars}
	}
	return all, nil
}
