{{/* Rules of egress that more than one policy needs. */}}

{{- define "vestibule.egress.dns" -}}
- {{ with .Values.networkPolicy.dns.to -}}
  to:
    {{- toYaml . | nindent 4 }}
  {{ end -}}
  ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - port: {{ int . }}
      protocol: UDP
    - port: {{ int . }}
      protocol: TCP
    {{- end }}
{{- end -}}

{{/* What networkPolicy.extraEgress adds, to every pod of the release: TLS authorities, proxies, other DNS servers. */}}
{{- define "vestibule.egress.extra" -}}
{{- with .Values.networkPolicy.extraEgress }}
{{- toYaml . }}
{{- end }}
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
