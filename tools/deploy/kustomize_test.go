package deploy_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

func build(t *testing.T, overlay string) string {
	t.Helper()
	return must(t, "kustomize", "build", filepath.Join(deploy, "kustomize", overlay))
}

func TestKustomizeMakesWhatKubernetesTakes(t *testing.T) {
	t.Parallel()
	for _, overlay := range []string{"base", "production"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			stream := build(t, overlay)
			conforms(t, stream)
			all := decode(t, stream)
			all.isSafe(t)
			isLoaded(t, all.config(t))
			all.selectThePod(t)
		})
	}
}

// TestKustomizeAndChartRunTheSame container.
func TestKustomizeAndChartRunTheSame(t *testing.T) {
	t.Parallel()
	ours := only[appsv1.Deployment](t, decode(t, build(t, "base"))).Spec.Template.Spec
	charts := only[appsv1.Deployment](t, decode(t, render(t, "--values", minimal))).Spec.Template.Spec
	ours.ServiceAccountName, ours.Volumes = charts.ServiceAccountName, charts.Volumes // names of the release
	charts.Containers[0].ImagePullPolicy = ours.Containers[0].ImagePullPolicy
	if diff := cmp.Diff(ours, charts); diff != "" {
		t.Errorf("kustomize's pod differs from the chart's:\n%s", diff)
	}
}

func TestProductionLetsPrometheusIn(t *testing.T) {
	t.Parallel()
	all := decode(t, build(t, "production"))
	if in := only[networkingv1.NetworkPolicy](t, all).Spec.Ingress; len(in) != 2 || in[0].Ports[0].Port.StrVal != "metrics" {
		t.Errorf("%v may connect", in)
	}
	secrets := regexp.MustCompile(secretsAt+`([\w-]+)`).FindAllStringSubmatch(all.config(t), -1)
	if len(secrets) == 0 {
		t.Error("no secret is named")
	}
	for _, named := range secrets {
		if !strings.Contains(read(t, deploy, "README.md"), "--from-file="+named[1]) {
			t.Errorf("README.md doesn't put %s into the Secret", named[1])
		}
	}
	if config := all.config(t); !strings.Contains(config, "mode: upsert") {
		t.Errorf("the config is the base's:\n%s", config)
	}
}
