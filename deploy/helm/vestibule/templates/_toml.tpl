{{/*
A map as TOML: (dict "table" $map "path" ""). Helm's own toToml writes every number of the values as a float, and the
services want whole numbers.
*/}}
{{- define "vestibule.toml" -}}
{{- range $key, $value := .table }}
{{- if and (not (kindIs "map" $value)) (not (kindIs "invalid" $value)) }}
{{ include "vestibule.toml.key" $key }} = {{ include "vestibule.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $key, $value := .table }}
{{- if kindIs "map" $value }}
{{- $path := include "vestibule.toml.key" $key }}
{{- with $.path }}{{- $path = printf "%s.%s" . $path }}{{- end }}
[{{ $path }}]
{{- include "vestibule.toml" (dict "table" $value "path" $path) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "vestibule.toml.key" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* Texts, numbers and truth values are written as in JSON. */}}
{{- define "vestibule.toml.value" -}}
{{- if kindIs "map" . -}}
{{- $parts := list -}}
{{- range $key, $value := . -}}
{{- $parts = append $parts (printf "%s = %s" (include "vestibule.toml.key" $key) (include "vestibule.toml.value" $value)) -}}
{{- end -}}
{ {{- join ", " $parts -}} }
{{- else if kindIs "slice" . -}}
{{- $parts := list -}}
{{- range . -}}
{{- $parts = append $parts (include "vestibule.toml.value" .) -}}
{{- end -}}
[{{ join ", " $parts }}]
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
