{{/*
What a change must touch to be sent, by resource: where the answer is no, the API server does not need this software.
Optionals (`.?`) stand for what may be absent; on CREATE there is no oldObject. Conditions come before the schema is
checked: what has a type that cannot be looked into is sent on, since an error here would hide the schema's message.
*/}}
{{- define "kthena-ascend.matters.modelservings" -}}
request.operation == 'CREATE' ||
type(object.?spec.orValue({})) != map ||
type(object.?spec.?template.orValue({})) != map ||
type(object.?spec.?template.?roles.orValue([])) != list ||
object.?spec.?template.?roles.orValue([]).exists(r, type(r) != map) ||
object.?spec.?schedulerName != oldObject.?spec.?schedulerName ||
object.?spec.?template.?gangPolicy != oldObject.?spec.?template.?gangPolicy ||
object.?spec.?template.?networkTopology != oldObject.?spec.?template.?networkTopology ||
object.?spec.?template.?roles.orValue([]).map(r, [r.?name, r.?workerReplicas, r.?entryTemplate, r.?workerTemplate]) !=
oldObject.?spec.?template.?roles.orValue([]).map(r, [r.?name, r.?workerReplicas, r.?entryTemplate, r.?workerTemplate]) ||
{{ include "kthena-ascend.annotationsDiffer" . }}
{{- end }}

{{- define "kthena-ascend.matters.modelboosters" -}}
request.operation == 'CREATE' ||
type(object.?spec.orValue({})) != map ||
type(object.?spec.?backend.orValue({})) != map ||
object.?spec.?backend.orValue({}).exists(k, k != 'replicas' && object.spec.backend[?k] != oldObject.?spec.?backend[?k]) ||
oldObject.?spec.?backend.orValue({}).exists(k, k != 'replicas' && !object.?spec.?backend[?k].hasValue()) ||
{{ include "kthena-ascend.annotationsDiffer" . }}
{{- end }}

{{- define "kthena-ascend.matters.modelservers" -}}
request.operation == 'CREATE' ||
object.?spec != oldObject.?spec ||
{{ include "kthena-ascend.annotationsDiffer" . }}
{{- end }}

{{- define "kthena-ascend.matters.modelroutes" -}}
{{ include "kthena-ascend.matters.modelservers" . }}
{{- end }}

{{- define "kthena-ascend.annotationsDiffer" -}}
object.metadata.?annotations.orValue({}).exists(k,
(k.startsWith('kthena-ascend.io/') || k == 'scheduling.volcano.sh/queue-name') &&
object.metadata.?annotations[?k] != oldObject.metadata.?annotations[?k]) ||
oldObject.metadata.?annotations.orValue({}).exists(k,
(k.startsWith('kthena-ascend.io/') || k == 'scheduling.volcano.sh/queue-name') &&
!object.metadata.?annotations[?k].hasValue())
{{- end }}

{{/* How the API server reaches a path of this software. Managed certificates are published by the software itself. */}}
{{- define "kthena-ascend.client" -}}
{{- $root := index . 0 -}}
clientConfig:
  service:
    namespace: {{ $root.Release.Namespace }}
    name: {{ $root.Release.Name }}
    port: 443
    path: {{ index . 1 }}
  {{- if eq $root.Values.certificates.mode "files" }}
  caBundle: {{ b64enc $root.Values.certificates.files.caBundle }}
  {{- end }}
admissionReviewVersions: [v1]
# In audit mode an Event tells of what would have been done; a dry run makes none.
sideEffects: NoneOnDryRun
matchPolicy: Equivalent
{{- end }}

{{- define "kthena-ascend.namespaces" -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ concat (list "kube-system") .Values.webhooks.excludedNamespaces | uniq | toJson }}
    {{- with .Values.webhooks.namespaceSelector.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.webhooks.namespaceSelector.matchLabels }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The entries for the custom resources: (list root "mutate"|"validate"). */}}
{{- define "kthena-ascend.customResources" -}}
{{- $root := index . 0 }}
{{- $verb := index . 1 }}
{{- $kinds := list
  (list "modelservings" "workload.serving.volcano.sh" "v1alpha1")
  (list "modelboosters" "workload.serving.volcano.sh" "v1alpha1")
  (list "modelservers" "networking.serving.volcano.sh" "v1alpha1")
  (list "modelroutes" "networking.serving.volcano.sh" "v1alpha1")
}}
{{- range $index, $kind := $kinds }}
{{- $resource := index $kind 0 }}
{{- if $index }}
{{ end -}}
- name: {{ $verb }}.{{ $resource }}.kthena-ascend.io
  {{- include "kthena-ascend.client" (list $root (print "/" $verb)) | nindent 2 }}
  failurePolicy: {{ $root.Values.webhooks.failurePolicy }}
  timeoutSeconds: {{ $root.Values.webhooks.timeoutSeconds }}
  {{- if eq $verb "mutate" }}
  reinvocationPolicy: IfNeeded
  {{- end }}
  rules:
    - apiGroups: [{{ index $kind 1 }}]
      apiVersions: [{{ index $kind 2 }}]
      operations: [CREATE, UPDATE]
      resources: [{{ $resource }}]
      scope: Namespaced
  {{- include "kthena-ascend.namespaces" $root | nindent 2 }}
  {{- with $root.Values.webhooks.objectSelector }}
  objectSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  matchConditions:
    - name: not-under-deletion
      expression: "!has(object.metadata.deletionTimestamp)"
    - name: matters
      expression: >-
        {{- include (print "kthena-ascend.matters." $resource) $root | nindent 8 }}
{{- end }}
{{- end }}
