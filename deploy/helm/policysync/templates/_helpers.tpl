{{- define "policysync.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "policysync.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "policysync.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "policysync.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "policysync.selector" -}}
app.kubernetes.io/name: {{ include "policysync.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of the pod of `helm test`, which the Service must not lead to. */}}
{{- define "policysync.testLabels" -}}
app.kubernetes.io/name: {{ include "policysync.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "policysync.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "policysync.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "policysync.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "policysync.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "policysync.image" -}}
{{- $tagged := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- if .Values.image.digest }}{{ printf "%s@%s" $tagged .Values.image.digest }}{{ else }}{{ $tagged }}{{ end }}
{{- end }}

{{/* The ports that others reach, as NAME:PORT: those of the config's addresses. */}}
{{- define "policysync.ports" -}}
{{- $server := .Values.config.server }}
{{- $ports := list (printf "metrics:%s" (splitList ":" $server.metrics_listen | last)) }}
{{- with $server.webhooks_listen }}{{ $ports = append $ports (printf "webhooks:%s" (splitList ":" . | last)) }}{{ end }}
{{- if not (include "policysync.loopback" $server.listen) }}{{ $ports = append $ports (printf "http:%s" (splitList ":" $server.listen | last)) }}{{ end }}
{{- join " " $ports }}
{{- end }}

{{- define "policysync.loopback" -}}
{{- if regexMatch "^(127\\.[0-9.]+|localhost|\\[::1\\]):" . }}yes{{ end }}
{{- end }}

{{/* Fails with what to do where the config can't work in a pod. */}}
{{- define "policysync.check" -}}
{{- $server := .Values.config.server }}
{{- $access := default dict $server.access }}
{{- if not (or (include "policysync.loopback" $server.listen) $server.api_token_file $access.team_domain $server.insecure_public) }}
{{- fail "\n\nconfig.server.listen is open to the cluster, so policysync asks who is there: set config.server.api_token_file: /run/secrets/api-token and secrets.api-token: {name: SECRET, key: KEY}, or config.server.access for Cloudflare Access in front of it, or leave it at 127.0.0.1:8080.\n" }}
{{- end }}
{{- if or (not $server.metrics_listen) (include "policysync.loopback" (default "" $server.metrics_listen)) }}
{{- fail "\n\nconfig.server.metrics_listen is where probes and Prometheus ask: leave it at 0.0.0.0:9090.\n" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "\n\ningress.host is missing: name the host at which the Git server finds the webhooks.\n" }}
{{- end }}
{{- if and .Values.ingress.enabled (not $server.webhooks_listen) }}
{{- fail "\n\nThe ingress leads to the webhooks, which have no address: leave config.server.webhooks_listen at 0.0.0.0:8081.\n" }}
{{- end }}
{{- range include "policysync.files" .Values.config | splitList "\n" }}
{{- if hasPrefix "/run/secrets/" . }}
{{- $file := trimPrefix "/run/secrets/" . }}
{{- if not (hasKey $.Values.secrets $file) }}
{{- fail (printf "\n\nconfig names the file %s, which no Secret brings: set secrets.%s: {name: SECRET, key: KEY}.\n" . $file) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The texts in a value, each on a line. */}}
{{- define "policysync.files" -}}
{{- if kindIs "map" . }}
{{- range . }}{{ include "policysync.files" . }}{{ "\n" }}{{ end }}
{{- else if kindIs "slice" . }}
{{- range . }}{{ include "policysync.files" . }}{{ "\n" }}{{ end }}
{{- else if kindIs "string" . }}{{ . }}
{{- end }}
{{- end }}
