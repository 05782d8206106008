package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestPrometheusRulesHaveOneSource which the chart and kustomize take over.
func TestPrometheusRulesHaveOneSource(t *testing.T) {
	t.Parallel()
	source := read(t, deploy, "prometheus", "rules.yaml")
	file := filepath.Join(deploy, "kustomize", "prometheus", "prometheusrule.yaml")
	for of, stream := range map[string]string{"the chart": render(t, "--values", full), "kustomize": read(t, file)} {
		spec := only[monitoringv1.PrometheusRule](t, decode(t, stream)).Spec
		got, err := yaml.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(generic(t, source), generic(t, string(got))); diff != "" {
			t.Errorf("%s has other rules:\n%s", of, diff)
		}
		if out := must(t, "promtool", "check", "rules", scratch(t, "rules.yaml", string(got))); !strings.Contains(out, "SUCCESS") {
			t.Error(out)
		}
	}
}

func TestChartHasTheDashboard(t *testing.T) {
	t.Parallel()
	for _, o := range decode(t, render(t, "--values", full)) {
		if c, is := o.(*corev1.ConfigMap); is && c.Data["policysync.json"] != "" {
			if diff := cmp.Diff(generic(t, read(t, deploy, "grafana", "policysync.json")), generic(t, c.Data["policysync.json"])); diff != "" {
				t.Error(diff)
			}
			return
		}
	}
	t.Error("there is no dashboard")
}

// generic is YAML as plain values, so that only what it says counts.
func generic(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
