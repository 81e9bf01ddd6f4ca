{{/* Rules of egress that more than one policy needs. */}}

{{- define "vestibule.egress.dns" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}

{{/* (dict "to" (list …) "ports" (list …)); without "to", anywhere at these ports. */}}
{{- define "vestibule.egress.peers" -}}
{{- with .to -}}
to:
  {{- toYaml . | nindent 2 }}
{{ end -}}
ports:
  {{- range .ports }}
  - port: {{ int . }}
    protocol: TCP
  {{- end }}
{{- end -}}

{{- define "vestibule.egress.database" -}}
{{- if eq .root.Values.database.engine "postgres" -}}
# Its own database.
- {{ include "vestibule.egress.peers" (index .root.Values .service).database.network | nindent 2 | trim }}
{{- end -}}
{{- end -}}
