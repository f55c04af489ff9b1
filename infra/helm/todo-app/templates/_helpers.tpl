{{/*
For objects, never for pod templates: helm.sh/chart changes with every chart version and would roll pods that did not change.
*/}}
{{- define "todo-app.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
What a selector may rely on: it is immutable in a Deployment. The argument is a list of the root context and the app's name.
*/}}
{{- define "todo-app.selectorLabels" -}}
app: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}
