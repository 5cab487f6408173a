{{- define "assay.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "assay.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "assay.labels" -}}
{{ include "assay.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "assay.account" -}}
{{- .Values.serviceAccount.name | default (include "assay.name" .) -}}
{{- end -}}

{{- define "assay.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* One variable from a secret: (dict "variable" NAME "from" {name, key}). */}}
{{- define "assay.secret" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ required (printf "the secret of %s has no name" .variable) .from.name }}
      key: {{ required (printf "the secret of %s has no key" .variable) .from.key }}
{{- end -}}

{{/* The settings of every container. */}}
{{- define "assay.environment" -}}
{{ include "assay.secret" (dict "variable" "ASSAY_DATABASE_URL" "from" .Values.secrets.databaseUrl) }}
{{ include "assay.secret" (dict "variable" "ASSAY_REDIS_URL" "from" .Values.secrets.redisUrl) }}
- name: ASSAY_METRICS_PORT
  value: {{ .Values.metrics.port | quote }}
- name: ASSAY_WORKER_METRICS_PORT
  value: {{ .Values.metrics.port | quote }}
{{- if .Values.policy }}
- name: ASSAY_POLICY
  value: /etc/assay/policy.yaml
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* What every pod has: no rights, no root, no writable disk but /tmp. */}}
{{- define "assay.pod" -}}
serviceAccountName: {{ include "assay.account" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "assay.container" -}}
image: {{ include "assay.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* The policy's digest, so that pods restart when it changes. */}}
{{- define "assay.annotations" -}}
checksum/policy: {{ .root.Values.policy | sha256sum }}
{{- with .annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "assay.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.policy }}
- name: policy
  mountPath: /etc/assay
  readOnly: true
{{- end }}
{{- end -}}

{{- define "assay.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.policy }}
- name: policy
  configMap:
    name: {{ include "assay.name" . }}-policy
{{- end }}
{{- end -}}

{{- define "assay.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
