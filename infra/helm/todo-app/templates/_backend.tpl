{{- define "todo-app.backend.podAnnotations" }}
{{- range $secret, $checksum := .Values.backend.secretChecksums }}
checksum/{{ $secret }}: {{ $checksum | quote }}
{{- end }}
{{- with .Values.dapr }}
{{- if .enabled }}
dapr.io/enabled: "true"
dapr.io/app-id: {{ .appId | quote }}
dapr.io/app-port: "8000"
dapr.io/config: {{ .config | quote }}
{{- with .checksum }}
checksum/dapr: {{ . | quote }}
{{- end }}
dapr.io/log-level: {{ .logLevel }}
dapr.io/log-as-json: "true"
dapr.io/sidecar-cpu-request: {{ .resources.requests.cpu | quote }}
dapr.io/sidecar-cpu-limit: {{ .resources.limits.cpu | quote }}
dapr.io/sidecar-memory-request: {{ .resources.requests.memory | quote }}
dapr.io/sidecar-memory-limit: {{ .resources.limits.memory | quote }}
# The sidecar gets its SIGTERM while the app still sleeps in preStop: it takes no new messages from then on, but must
# publish until the app is done.
dapr.io/block-shutdown-duration: 32s
# The token is for the sidecar's secret store; the app does not need the Kubernetes API.
dapr.io/volume-mounts: kube-api-access:/var/run/secrets/kubernetes.io/serviceaccount
{{- end }}
{{- end }}
{{- end }}

{{- define "todo-app.backend.podSpec" -}}
# preStop (5 s), then up to 25 s for the app to drain, for a chat may take 20; then 5 s for the sidecar, and a reserve.
terminationGracePeriodSeconds: 45
{{- end }}

{{- define "todo-app.backend.container" -}}
env:
  - name: COHERE_API_KEY
    valueFrom:
      secretKeyRef: {name: {{ .Values.secrets.app | quote }}, key: cohere-api-key}
  - name: BETTER_AUTH_SECRET
    valueFrom:
      secretKeyRef: {name: {{ .Values.secrets.app | quote }}, key: better-auth-secret}
  - {{- include "todo-app.databaseUrl" . | nindent 4 }}
  {{- if .Values.dapr.enabled }}
  - {name: EVENTS_TOPIC, value: {{ .Values.dapr.topic | quote }}}
  {{- end }}
  {{- range $name, $value := .Values.backend.env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
ports:
  - name: http
    containerPort: 8000
# Up to a minute: Python's imports are slow on a throttled core.
startupProbe:
  httpGet: {path: /api/health, port: http}
  periodSeconds: 2
  failureThreshold: 30
# Checks the sidecar and, when in doubt, the database, each within the app's own deadline; hence the longer timeout.
readinessProbe:
  httpGet: {path: /api/ready, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
# Checks the process alone: a restart does not repair an unreachable database.
livenessProbe:
  httpGet: {path: /api/health, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
{{- end }}

{{- define "todo-app.backend.volumes" }}
{{- if .Values.dapr.enabled }}
- name: kube-api-access
  projected:
    sources:
      - serviceAccountToken:
          path: token
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}
