package deploy_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
)

var (
	chart   = filepath.Join(deploy, "helm", "policysync")
	minimal = filepath.Join(chart, "ci", "minimal-values.yaml")
	full    = filepath.Join(chart, "ci", "full-values.yaml")
)

// render returns what the chart makes of values.
func render(t *testing.T, args ...string) string {
	t.Helper()
	return must(t, "helm", append([]string{"template", "access", chart, "--namespace", "access", "--kube-version", kubernetes}, args...)...)
}

func TestChartMakesWhatKubernetesTakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(chart, "ci", "*-values.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatal(err, files)
	}
	_, example, _ := strings.Cut(read(t, chart, "README.md"), "```yaml helm\n")
	example, _, _ = strings.Cut(example, "```")
	files = append(files, scratch(t, "README.yaml", example))
	for _, values := range files {
		t.Run(filepath.Base(values), func(t *testing.T) {
			t.Parallel()
			must(t, "helm", "lint", "--strict", chart, "--kube-version", kubernetes, "--values", values)
			stream := render(t, "--values", values)
			conforms(t, stream)
			all := decode(t, stream)
			all.isSafe(t)
			isLoaded(t, all.config(t))
			all.hasFilesOfConfig(t)
		})
	}
}

// hasFilesOfConfig checks that each file of secrets that the config names is
// mounted.
func (all objects) hasFilesOfConfig(t *testing.T) {
	t.Helper()
	mounted := map[string]bool{}
	for _, v := range only[appsv1.Deployment](t, all).Spec.Template.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			mounted[secretsAt+s.Secret.Items[0].Path] = true
		}
	}
	for word := range strings.FieldsSeq(all.config(t)) {
		if strings.HasPrefix(word, secretsAt) && !mounted[word] {
			t.Errorf("%s isn't mounted", word)
		}
	}
	if len(mounted) == 0 {
		t.Error("no secret is mounted")
	}
}

func TestChartRefusesWhatCanNotWork(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"config.server.listen=0.0.0.0:8080":                     "set config.server.api_token_file: /run/secrets/api-token",
		"config.server.metrics_listen=127.0.0.1:9090":           "where probes and Prometheus ask",
		"config.server.metrics_listen=":                         "where probes and Prometheus ask",
		"config.server.api_token_file=/run/secrets/other":       "which no Secret brings: set secrets.other",
		"config.targets[0].source.auth.ca_file=/run/secrets/ca": "which no Secret brings: set secrets.ca",
		"ingress.enabled=true":                                  "ingress.host is missing",
		"config.targets=null":                                   "targets",
		"config.targets[0].mode=merge":                          "/config/targets/0",
		"config.sever.listen=x":                                 "sever",
		"replicas=2":                                            "replicas",
		"secrets.git-token=plaintext":                           "/secrets/git-token",
		"secrets.git-token.value=plaintext":                     "value",
		"image.digest=latest":                                   "/image/digest",
		"service.type=None":                                     "/service/type",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			r := run(t, "helm", "template", "access", chart, "--kube-version", kubernetes, "--values", minimal, "--set", set)
			if r.err == nil || !strings.Contains(r.stderr, want) {
				t.Errorf("helm says %v: %s, want %q", r.err, r.stderr, want)
			}
		})
	}
}

func TestChartSwitches(t *testing.T) {
	t.Parallel()
	all := decode(t, render(t, "--values", full))
	all.selectThePod(t)
	if in := only[networkingv1.NetworkPolicy](t, all).Spec.Ingress; len(in) != 4 || in[0].Ports[0].Port.StrVal != "metrics" {
		t.Errorf("%v may connect, want helm test and one for each port", in)
	}
	if ports := only[appsv1.Deployment](t, all).Spec.Template.Spec.Containers[0].Ports; len(ports) != 3 || ports[0].ContainerPort != 9001 || ports[2].ContainerPort != 9000 {
		t.Errorf("the ports are %v, want those of the config", ports)
	}
	if one := only[policyv1.PodDisruptionBudget](t, all).Spec.MaxUnavailable.IntValue(); one != 1 {
		t.Errorf("%d pods may be unavailable: no node could be drained", one)
	}
	paths := only[networkingv1.Ingress](t, all).Spec.Rules[0].HTTP.Paths
	if len(paths) != 1 || paths[0].Path != "/webhooks" || paths[0].Backend.Service.Port.Name != "webhooks" {
		t.Errorf("the ingress shows %v, want webhooks alone", paths)
	}
	if claim := only[corev1.PersistentVolumeClaim](t, all); claim.Annotations["helm.sh/resource-policy"] != "keep" {
		t.Error("the state would go with the release")
	}
	only[monitoringv1.ServiceMonitor](t, all)
}

// TestChartRestartsForWhatCanNotBeReloaded and for nothing else.
func TestChartRestartsForWhatCanNotBeReloaded(t *testing.T) {
	t.Parallel()
	sum := func(args ...string) string {
		all := decode(t, render(t, append([]string{"--values", minimal}, args...)...))
		return fmt.Sprint(only[appsv1.Deployment](t, all).Spec.Template.Annotations)
	}
	before := sum()
	if sum("--set", "config.targets[0].mode=upsert") != before {
		t.Error("a changed target restarts the pod, though policysync reloads it")
	}
	if sum("--set", "config.server.api_token_file=/run/secrets/git-token,config.state.history_retention=30d") != before {
		t.Error("another token for the API restarts the pod, though policysync reloads it")
	}
	if sum("--set", "config.audit.file=/var/lib/policysync/audit.jsonl") == before {
		t.Error("a changed audit.file doesn't restart the pod")
	}
}
