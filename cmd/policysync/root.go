package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/diff/render"
)

// flags are those that several commands share.
type flags struct {
	config, target, dir   string
	noColor, strict       bool
	format                string
	repo, branch, path    string
	account, mode, listen string
	state, server         string
	vars                  []string
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "policysync",
		Short: "Keep Cloudflare Access reusable policies as declared in Git",
		Long: `policysync keeps Cloudflare Zero Trust Access reusable policies as declared in Git.

It reads policy YAML from a repository, compares it with what it last applied
and with what the account has now, creates what is missing, and tells of
everything else: drift, orphans, conflicts.

Exit codes:
` + exitHelp(),
		Version:      buildInfo().String(),
		SilenceUsage: true, SilenceErrors: true,
		Args: known,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: `%s --help` lists what there is", err, c.CommandPath())
	})
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().BoolVar(&a.flags.noColor, "no-color", false, "plain text on a terminal too (also: NO_COLOR)")
	root.AddCommand(
		newPlan(a), newApply(a), newRun(a), newValidate(a), newExport(a), newStatus(a), newHistory(a),
		newSync(a), newSuspend(a), newResume(a), newHealth(a), newSchema(a), newDemo(a), newVersion(a),
	)
	root.AddCommand(forRelease(a)...)
	return root
}

// exitHelp tells of the exit codes, a line for each.
func exitHelp() string {
	var b strings.Builder
	for _, m := range exitCodes() {
		fmt.Fprintf(&b, "  %d  %s: %s\n", m.code, m.commands, m.says)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// known returns an error if there are arguments, which then name no command.
func known(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "`policysync --help` lists what there is"
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if near := diagnostic.Nearest(args[0], names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return fmt.Errorf("unknown command %q: %s", args[0], hint)
}

// noArguments returns an error if there are arguments.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%q is one word too many: `%s --help` says what it takes", args[0], c.CommandPath())
}

// configFlags adds the flags that say what to work on.
func (a *app) configFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.flags.config, "config", "", "config `FILE` (default ./policysync.yaml, then /etc/policysync/policysync.yaml)")
	f.StringVar(&a.flags.target, "target", "", "only the target of that `NAME`")
}

// sourceFlags adds the flags that stand in for a config file.
func (a *app) sourceFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.flags.dir, "dir", "", "use the local folder `PATH` instead of the Git source")
	f.StringVar(&a.flags.repo, "repo", "", "without a config file: `URL` or path of the Git repository")
	f.StringVar(&a.flags.branch, "branch", "main", "without a config file: `BRANCH` of the repository")
	f.StringVar(&a.flags.path, "path", "policies", "without a config file: `FOLDER` inside the repository")
	a.accountFlag(c)
	f.StringVar(&a.flags.mode, "mode", "create-only", "without a config file: `MODE`, one of create-only, upsert, sync")
	a.varFlag(c)
	a.stateFlag(c)
}

// accountFlag adds the flag that names the account where there is no config file.
func (a *app) accountFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.flags.account, "account", "", "without a config file: `ID` of the account (also: CLOUDFLARE_ACCOUNT_ID)")
}

// varFlag adds the flag that stands in for the vars of a config file.
func (a *app) varFlag(c *cobra.Command) {
	c.Flags().StringArrayVar(&a.flags.vars, "var", nil, "without a config file: `NAME=VALUE` of a variable of the manifests; as often as there are variables")
}

// varsOfFlags returns the variables that flags set.
func (a *app) varsOfFlags() (config.Vars, error) {
	var vars config.Vars
	for _, assignment := range a.flags.vars {
		if err := vars.Set(assignment); err != nil {
			return nil, fmt.Errorf("--var %s: %w", assignment, err)
		}
	}
	return vars, nil
}

// withoutFile names the flags that only count where there is no config file.
var withoutFile = []string{"repo", "branch", "path", "account", "mode", "state", "listen", "var"}

// load returns the config: of the file if there is one, else of flags and
// environment, with the targets that --target leaves.
func (a *app) load(c *cobra.Command) (*config.Config, error) {
	file, err := config.Find(a.flags.config)
	if err != nil {
		return nil, err
	}
	var cfg *config.Config
	if file == "" {
		cfg, err = a.fromFlags(c)
	} else if err = a.onlyFile(c, file); err == nil {
		cfg, err = config.Load(file, a.env)
	}
	if err != nil {
		return nil, err
	}
	if err := a.choose(cfg); err != nil {
		return nil, err
	}
	if a.flags.dir != "" && len(cfg.Targets) > 1 {
		return nil, errors.New("--dir is for one target: name it with --target")
	}
	return cfg, nil
}

// onlyFile refuses flags that the config file overrules.
func (a *app) onlyFile(c *cobra.Command, file string) error {
	for _, name := range withoutFile {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--%s is for use without a config file, and %s is one: set it there", name, file)
		}
	}
	return nil
}

func (a *app) fromFlags(c *cobra.Command) (*config.Config, error) {
	cfg, err := config.FromEnvironment(a.env)
	if err != nil {
		return nil, err
	}
	t := &cfg.Targets[0]
	t.Source.URL, t.Source.Branch, t.Source.Path = a.flags.repo, a.flags.branch, a.flags.path
	if a.flags.dir != "" {
		if t.Source.URL, err = filepath.Abs(a.flags.dir); err != nil {
			return nil, err
		}
	}
	if t.Vars, err = a.varsOfFlags(); err != nil {
		return nil, err
	}
	if a.flags.account != "" {
		t.AccountID = a.flags.account
	}
	if a.flags.listen != "" {
		cfg.Server.Listen = a.flags.listen
	}
	if a.flags.state != "" {
		path, err := filepath.Abs(a.flags.state)
		if err != nil {
			return nil, err
		}
		cfg.State = config.StateAt(path)
	}
	if c.Flags().Lookup("mode") != nil {
		if err := t.Mode.UnmarshalText([]byte(a.flags.mode)); err != nil {
			return nil, err
		}
	}
	if c.Flags().Lookup("account") == nil { // the command reads the state only
		return cfg, cfg.State.Validate()
	}
	if c.Flags().Lookup("repo") == nil { // the command doesn't look at the source
		t.Source.URL = "."
	}
	if t.Source.URL == "" {
		return nil, errors.New("there is no config file (./policysync.yaml or /etc/policysync/policysync.yaml): write one, or name the repository with --repo or a folder with --dir")
	}
	if t.AccountID == "" {
		return nil, errors.New("no account is named: set CLOUDFLARE_ACCOUNT_ID, or use --account")
	}
	return cfg, cfg.Validate()
}

// choose drops the targets that --target doesn't name.
func (a *app) choose(cfg *config.Config) error {
	if a.flags.target == "" {
		return nil
	}
	var names []string
	for _, t := range cfg.Targets {
		names = append(names, t.Name)
	}
	if !slices.Contains(names, a.flags.target) {
		return fmt.Errorf("no target is named %q: there is %q", a.flags.target, names)
	}
	cfg.Targets = slices.DeleteFunc(cfg.Targets, func(t config.Target) bool { return t.Name != a.flags.target })
	return nil
}

// formatFlag adds --format with the formats that a command knows, the first
// one being its default.
func (a *app) formatFlag(c *cobra.Command, formats ...string) {
	c.Flags().StringVar(&a.flags.format, "format", formats[0], "`FORMAT`, one of "+strings.Join(formats, ", "))
	check := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains(formats, a.flags.format) {
			return fmt.Errorf("format is %q: want one of %q", a.flags.format, formats)
		}
		if check != nil {
			return check(c, args)
		}
		return nil
	}
}

// The formats of plans, which other commands know, too.
const (
	textFormat     = string(render.TextFormat)
	jsonFormat     = string(render.JSONFormat)
	markdownFormat = string(render.MarkdownFormat)
)

// colour reports whether to colour what goes to stdout.
func (a *app) colour() bool {
	if value, set := a.env("NO_COLOR"); set && value != "" || a.flags.noColor {
		return false
	}
	return isTerminal(a.stdout)
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
