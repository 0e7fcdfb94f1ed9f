{{- define "kthena-ascend.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Other than those of the webhook, whose Service must not find it. */}}
{{- define "kthena-ascend.mooncakeMasterLabels" -}}
app.kubernetes.io/name: mooncake-master
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kthena-ascend.labels" -}}
{{ include "kthena-ascend.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "kthena-ascend.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* Whether the ModelBooster reconciler runs: "true" or nothing. */}}
{{- define "kthena-ascend.reconciles" -}}
{{- if ne .Values.reconciler "off" }}true{{ end -}}
{{- end }}

{{/* The Secret with the serving certificate, where it is mounted. */}}
{{- define "kthena-ascend.mountedSecret" -}}
{{- if eq .Values.certificates.mode "certManager" -}}
{{ .Release.Name }}-cert-manager-tls
{{- else if eq .Values.certificates.mode "files" -}}
{{ .Values.certificates.files.secretName }}
{{- end -}}
{{- end }}
