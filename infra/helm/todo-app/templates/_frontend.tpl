{{- define "todo-app.frontend.podAnnotations" }}{{ end }}

{{- define "todo-app.frontend.podSpec" }}{{ end }}

{{- define "todo-app.frontend.container" -}}
ports:
  - name: http
    containerPort: 8080
readinessProbe:
  httpGet: {path: /, port: http}
  periodSeconds: 5
livenessProbe:
  httpGet: {path: /, port: http}
  initialDelaySeconds: 5
  periodSeconds: 10
  timeoutSeconds: 3
{{- end }}

{{- define "todo-app.frontend.volumes" }}{{ end }}
