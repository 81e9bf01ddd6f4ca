{{/* Names and labels. What takes a service takes (dict "root" $ "service" "auth"). */}}

{{- define "vestibule.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that the longest name made of it, with a hash of Kubernetes behind it, is still a label (63). */}}
{{- define "vestibule.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if eq .Release.Name (include "vestibule.name" .) -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "vestibule.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "vestibule.serviceName" -}}
{{ include "vestibule.fullname" .root }}-{{ .service }}
{{- end -}}

{{/* What selects pods never changes: selectors of a Deployment are immutable. */}}
{{- define "vestibule.selector" -}}
app.kubernetes.io/name: {{ include "vestibule.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end -}}

{{- define "vestibule.labels" -}}
{{ include "vestibule.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: vestibule
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of an object: (dict "root" $ "service" "auth" "name" "…" "annotations" (dict …)) */}}
{{- define "vestibule.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "vestibule.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "vestibule.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "vestibule.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* The ports of a service: (include "vestibule.port" "auth") and so on. They are the services' own. */}}
{{- define "vestibule.port" -}}{{ if eq . "auth" }}8000{{ else }}8001{{ end }}{{- end -}}
{{- define "vestibule.managementPort" -}}{{ if eq . "auth" }}9000{{ else }}9001{{ end }}{{- end -}}

{{/* Where the other service finds this one: by its name in the cluster's DNS. */}}
{{- define "vestibule.internalUrl" -}}
{{- $own := index .root.Values .service -}}
{{- if $own.internalUrl -}}
{{- $own.internalUrl -}}
{{- else -}}
{{- printf "%s://%s.%s.svc:%s" (ternary "https" "http" (not (empty $own.tls.existingSecret))) (include "vestibule.serviceName" .) .root.Release.Namespace (include "vestibule.port" .service) -}}
{{- end -}}
{{- end -}}

{{/* The host of a service's public URL. */}}
{{- define "vestibule.host" -}}
{{- get (urlParse (index .root.Values .service).url) "hostname" -}}
{{- end -}}

{{/* (dict "root" $ "image" .Values.auth.image) */}}
{{- define "vestibule.image" -}}
{{- $name := .image.repository -}}
{{- with .root.Values.images.registry }}{{- $name = printf "%s/%s" . $name -}}{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.image.tag | default .root.Values.images.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* "true" when the schema is brought up to date by a Job rather than by the pods. */}}
{{- define "vestibule.migratesInJob" -}}
{{- if and (eq .Values.database.engine "postgres") .Values.database.migrationJob.enabled -}}true{{- end -}}
{{- end -}}

{{/* "true" when the chart test can sign in: POST /authenticate answers, and there is somebody to do it as. */}}
{{- define "vestibule.canTest" -}}
{{- $direct := dig "authenticate" "enabled" true .Values.auth.config -}}
{{- if and .Values.chartTest.enabled $direct (or .Values.operator.enabled .Values.chartTest.person.existingSecret) -}}true{{- end -}}
{{- end -}}
