package deploy_test

import (
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	psa "k8s.io/pod-security-admission/api"
	security "k8s.io/pod-security-admission/policy"
)

// secretsAt is where pods find the files that *_file keys name.
const secretsAt = "/run/secrets/"

// objects are what a stream of YAML documents declares.
type objects []runtime.Object

// decode decodes a stream as the API server would, and refuses what it would
// only warn of: fields that there aren't.
func decode(t *testing.T, stream string) objects {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	var all objects
	for document := range strings.SplitSeq("\n"+stream, "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		object, _, err := decoder.Decode([]byte(document), nil, nil)
		if err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		all = append(all, object)
	}
	return all
}

// only returns the one object of its type.
func only[T any](t *testing.T, all objects) *T {
	t.Helper()
	var found []*T
	for _, o := range all {
		if one, ok := o.(any).(*T); ok {
			found = append(found, one)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d %T, want 1", len(found), new(T))
	}
	return found[0]
}

// isSafe checks what holds for policysync wherever it runs.
func (all objects) isSafe(t *testing.T) {
	t.Helper()
	for _, o := range all {
		switch o := o.(type) {
		case *corev1.Secret:
			t.Error("a Secret is among the objects: secrets are there by reference alone")
		case *corev1.Pod:
			isRestricted(t, &o.ObjectMeta, &o.Spec)
		}
	}
	d := only[appsv1.Deployment](t, all)
	if *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Error("more than one pod may write to the state")
	}
	pod := d.Spec.Template
	isRestricted(t, &pod.ObjectMeta, &pod.Spec)
	for _, c := range pod.Spec.Containers {
		if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
			t.Errorf("the root of container %s can be written to", c.Name)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Name == "policysync" && (c.LivenessProbe == nil || c.ReadinessProbe == nil || c.StartupProbe == nil) {
			t.Errorf("container %s lacks a limit or a probe", c.Name)
		}
	}
}

// isRestricted checks that a pod passes for restricted by Kubernetes' own
// judgement, and can't ask Kubernetes anything.
func isRestricted(t *testing.T, meta *metav1.ObjectMeta, spec *corev1.PodSpec) {
	t.Helper()
	evaluator, err := security.NewEvaluator(security.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	if got := security.AggregateCheckResults(evaluator.EvaluatePod(restricted, meta, spec)); !got.Allowed {
		t.Errorf("the pod isn't restricted: %s", got.ForbiddenDetail())
	}
	if token := spec.AutomountServiceAccountToken; token == nil || *token {
		t.Error("the pod has a token of its service account")
	}
}

// selectThePod checks that what is meant for the pod finds it.
func (all objects) selectThePod(t *testing.T) {
	t.Helper()
	pod := labels.Set(only[appsv1.Deployment](t, all).Spec.Template.Labels)
	for of, selector := range map[string]*metav1.LabelSelector{
		"Deployment":          only[appsv1.Deployment](t, all).Spec.Selector,
		"Service":             metav1.SetAsLabelSelector(only[corev1.Service](t, all).Spec.Selector),
		"NetworkPolicy":       &only[networkingv1.NetworkPolicy](t, all).Spec.PodSelector,
		"PodDisruptionBudget": only[policyv1.PodDisruptionBudget](t, all).Spec.Selector,
	} {
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(pod) {
			t.Errorf("the %s is for %v, not for the pod's %v: %v", of, s, pod, err)
		}
		for _, o := range all {
			if other, is := o.(*corev1.Pod); is && s.Matches(labels.Set(other.Labels)) {
				t.Errorf("the %s is for the pod %s too", of, other.Name)
			}
		}
	}
}

// config returns the config that the pod mounts.
func (all objects) config(t *testing.T) string {
	t.Helper()
	for _, o := range all {
		if c, is := o.(*corev1.ConfigMap); is && c.Data["policysync.yaml"] != "" {
			return c.Data["policysync.yaml"]
		}
	}
	t.Fatal("there is no policysync.yaml")
	return ""
}

// isLoaded has policysync itself read a config.
func isLoaded(t *testing.T, config string) {
	t.Helper()
	file := scratch(t, "policysync.yaml", config)
	r := run(t, "env", "ENVIRONMENT=production", "policysync", "status", "--config", file)
	absent := strings.Contains(r.stderr, "state.db") // that there is no state here is fine
	if strings.Contains(r.stderr, file+":") || r.err != nil && !absent {
		t.Errorf("policysync refuses the config: %s", r.stderr)
	}
}
