// Package deploy_test has the tools of each field look at what is in deploy/:
// helm, kustomize, kubeconform, actionlint, promtool, amtool and others, and
// the types that Kubernetes itself decodes with.
package deploy_test
