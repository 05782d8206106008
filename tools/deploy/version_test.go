package deploy_test

import (
	"path/filepath"
	"regexp"
	"testing"
)

// TestOneVersionEverywhere of policysync, so that a release changes all or none.
func TestOneVersionEverywhere(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^appVersion: (\S+)$`).FindStringSubmatch(read(t, chart, "Chart.yaml"))
	if version == nil {
		t.Fatal("the chart has no appVersion")
	}
	for file, where := range map[string]string{
		"helm/policysync/Chart.yaml":              `(?m)^version: (\S+)$`,
		"compose/compose.yaml":                    `policysync/policysync:(\S+)`,
		"kustomize/base/deployment.yaml":          `policysync/policysync:(\S+)`,
		"kustomize/production/kustomization.yaml": `newTag: (\S+)`,
		"ci/github-action.yaml":                   `POLICYSYNC_VERSION: (\S+)`,
		"ci/gitlab-ci.yml":                        `POLICYSYNC_VERSION: (\S+)`,
		"helm/policysync/ci/full-values.yaml":     `(?m)^  tag: (\S+)$`,
	} {
		found := regexp.MustCompile(where).FindAllStringSubmatch(read(t, deploy, filepath.FromSlash(file)), -1)
		if len(found) != 1 || found[0][1] != version[1] {
			t.Errorf("%s has %q, want once version %s", file, found, version[1])
		}
	}
}
