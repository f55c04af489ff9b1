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
Labels for selectors, which are immutable in a Deployment. The argument is a list of the root context and the app's name.
*/}}
{{- define "todo-app.selectorLabels" -}}
app: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}

{{/*
Labels of a pod. The argument is the one of todo-app.selectorLabels.
*/}}
{{- define "todo-app.podLabels" -}}
{{ include "todo-app.selectorLabels" . }}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
{{- end }}

{{/*
Fields of every pod's spec.
*/}}
{{- define "todo-app.podSpec" -}}
automountServiceAccountToken: false
# The variables that Kubernetes derives from a namespace's Services (BACKEND_PORT=tcp://...) would clash with the app's
# own settings.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
# At pod level, so that an injected sidecar inherits it.
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "todo-app.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/*
The only place that a container can write to; mounted at /tmp.
*/}}
{{- define "todo-app.tmpVolume" -}}
name: tmp
emptyDir:
  sizeLimit: 64Mi
{{- end }}

{{- define "todo-app.databaseUrl" -}}
name: DATABASE_URL
valueFrom:
  secretKeyRef: {name: {{ .Values.secrets.app | quote }}, key: database-url}
{{- end }}

{{/*
Egress rule for the cluster's DNS.
*/}}
{{- define "todo-app.dnsEgress" -}}
to:
  - namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: kube-system
    podSelector:
      matchLabels:
        k8s-app: kube-dns
ports:
  - {port: 53, protocol: UDP}
  - {port: 53, protocol: TCP}
{{- end }}
