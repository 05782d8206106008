package deploy_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

var compose = filepath.Join(deploy, "compose")

// TestComposeIsHardened as the compose specification's own loader reads it.
func TestComposeIsHardened(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{filepath.Join(compose, "compose.yaml")}, cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 3 {
		t.Errorf("there are %d services, want 3", len(project.Services))
	}
	for _, s := range project.Services {
		for _, w := range weaknesses(s) {
			t.Errorf("%s %s", s.Name, w)
		}
	}
	for _, file := range project.Configs {
		read(t, file.File) // it is there
	}
	if rules := project.Configs["rules"].File; !samePath(t, rules, filepath.Join(deploy, "prometheus", "rules.yaml")) {
		t.Errorf("the rules are %q", rules)
	}
	isLoaded(t, read(t, compose, "policysync.yaml"))
	secrets := regexp.MustCompile(`/run/secrets/([\w-]+)`).FindAllStringSubmatch(read(t, compose, "policysync.yaml")+read(t, compose, "alertmanager.yml"), -1)
	if len(secrets) == 0 {
		t.Error("no secret is named")
	}
	for _, path := range secrets {
		if _, there := project.Secrets[path[1]]; !there {
			t.Errorf("nothing brings %s", path[0])
		}
	}
}

// weaknesses returns in what a service isn't hardened.
func weaknesses(s types.ServiceConfig) []string {
	var found []string
	for weakness, ok := range map[string]bool{
		"can write to its root":                  s.ReadOnly,
		"keeps capabilities":                     slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0 && !s.Privileged,
		"may gain privileges":                    slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
		"is root, or whoever the image says":     regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(s.User),
		"isn't of a certain version":             regexp.MustCompile(`:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$`).MatchString(s.Image),
		"isn't looked after":                     s.HealthCheck != nil && len(s.HealthCheck.Test) > 1 && s.Restart == "unless-stopped",
		"may take all memory or start processes": s.MemLimit > 0 && s.PidsLimit > 0,
		"is open to other machines":              !slices.ContainsFunc(s.Ports, func(p types.ServicePortConfig) bool { return p.HostIP != "127.0.0.1" }),
	} {
		if !ok {
			found = append(found, weakness)
		}
	}
	return found
}

func samePath(t *testing.T, a, b string) bool {
	t.Helper()
	first, errA := filepath.Abs(a)
	second, errB := filepath.Abs(b)
	return errA == nil && errB == nil && first == second
}
