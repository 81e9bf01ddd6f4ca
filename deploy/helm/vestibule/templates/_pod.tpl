{{/* What the pods of a service, of its migration and of the chart test have in common. */}}

{{/* The restricted profile of the Pod Security Standards, and a user that the images know. */}}
{{- define "vestibule.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "vestibule.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities:
  drop:
    - ALL
{{- end -}}

{{/* Fields of a pod beside its containers and volumes: (dict "root" $ "placement" .Values.auth) */}}
{{- define "vestibule.podFields" -}}
{{- /* The services never call the API of Kubernetes, and its variables of other services would only confuse. */ -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "vestibule.podSecurity" . | nindent 2 }}
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .placement.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .placement.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .placement.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .placement.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The container of a service without its probes and ports: (dict "root" $ "service" "auth" "arguments" (list …)) */}}
{{- define "vestibule.container" -}}
{{- $own := index .root.Values .service -}}
name: {{ .service }}
image: {{ include "vestibule.image" (dict "root" .root "image" $own.image) | quote }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
args:
  {{- range .arguments }}
  - {{ . | quote }}
  {{- end }}
{{- with $own.env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "vestibule.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: /etc/vestibule
    readOnly: true
  - name: secrets
    mountPath: {{ include "vestibule.secretsFolder" . }}
    readOnly: true
  {{- if $own.tls.existingSecret }}
  - name: tls
    mountPath: /run/secrets/tls
    readOnly: true
  {{- end }}
  {{- if include "vestibule.brokerTls" .root }}
  - name: broker-tls
    mountPath: /run/secrets/broker-tls
    readOnly: true
  {{- end }}
  {{- if eq .root.Values.database.engine "sqlite" }}
  - name: data
    mountPath: /var/lib/vestibule
  - name: temporary
    mountPath: /tmp
  {{- end }}
  {{- with $own.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The name of the Secret with the broker's certificates, when there is one in use. */}}
{{- define "vestibule.brokerTls" -}}
{{- $events := .Values.events -}}
{{- if ne $events.transport "feed" -}}
{{- $tls := (index $events $events.transport).tls -}}
{{- if $tls.enabled -}}{{- $tls.existingSecret -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "vestibule.trialSecretName" -}}
{{ include "vestibule.fullname" . }}-trial
{{- end -}}

{{/* The volumes of a service: (dict "root" $ "service" "auth" "config" "name of the ConfigMap") */}}
{{- define "vestibule.volumes" -}}
{{- $own := index .root.Values .service -}}
- name: config
  configMap:
    name: {{ .config }}
- name: secrets
  projected:
    # For the user of the container and its group, nobody else.
    defaultMode: 0440
    sources:
      {{- include "vestibule.secretSources" . | nindent 6 }}
{{- if $own.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ $own.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- with include "vestibule.brokerTls" .root }}
{{- $tls := (index $.root.Values.events $.root.Values.events.transport).tls }}
- name: broker-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      {{- with $tls.caKey }}
      - key: {{ . }}
        path: ca.crt
      {{- end }}
      {{- with $tls.certificateKey }}
      - key: {{ . }}
        path: tls.crt
      - key: {{ $tls.privateKeyKey }}
        path: tls.key
      {{- end }}
{{- end }}
{{- if eq .root.Values.database.engine "sqlite" }}
- name: data
  persistentVolumeClaim:
    claimName: {{ $own.database.volume.existingClaim | default (printf "%s-data" (include "vestibule.serviceName" .)) }}
- name: temporary
  emptyDir:
    sizeLimit: 64Mi
{{- end }}
{{- with $own.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What the folder of secrets holds, and where from. */}}
{{- define "vestibule.secretSources" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .service -}}
{{- $clients := list "client-vestibule-users" -}}
{{- if eq .service "auth" -}}
{{- $clients = append $clients "client-vestibule-auth" -}}
{{- if $root.Values.operator.enabled -}}
{{- $clients = append $clients "client-vestibule-cli" -}}
{{- end -}}
{{- end -}}
{{- $more := list -}}
{{- if eq .service "auth" -}}
{{- range $id, $client := $root.Values.auth.clients -}}
{{- if $client.hasSecret -}}
{{- $more = append $more (printf "client-%s" $id) -}}
{{- end -}}
{{- end -}}
{{- end -}}
- secret:
    {{- if $own.existingSecret }}
    name: {{ $own.existingSecret }}
    items:
      {{- range $own.encryption.keys }}
      - key: encryption-{{ . }}
        path: encryption-{{ . }}
      {{- end }}
      {{- range concat $clients $more }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
      {{- if and (eq $root.Values.database.engine "postgres") (not $own.database.existingSecret) }}
      - key: {{ $own.database.existingSecretKey }}
        path: database-url
      {{- with $own.database.directUrlKey }}
      - key: {{ . }}
        path: database-direct-url
      {{- end }}
      {{- end }}
    {{- else }}
    name: {{ include "vestibule.trialSecretName" $root }}
    items:
      {{- range $own.encryption.keys }}
      - key: {{ $.service }}-encryption-{{ . }}
        path: encryption-{{ . }}
      {{- end }}
      {{- range $clients }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
    {{- end }}
{{- if and (eq $root.Values.database.engine "postgres") $own.database.existingSecret }}
- secret:
    name: {{ $own.database.existingSecret }}
    items:
      - key: {{ $own.database.existingSecretKey }}
        path: database-url
      {{- with $own.database.directUrlKey }}
      - key: {{ . }}
        path: database-direct-url
      {{- end }}
{{- end }}
{{- if and (eq $root.Values.events.transport "kafka") $root.Values.events.kafka.sasl.existingSecret }}
- secret:
    name: {{ $root.Values.events.kafka.sasl.existingSecret }}
    items:
      - key: {{ $root.Values.events.kafka.sasl.passwordKey }}
        path: kafka-password
{{- end }}
{{- if eq $root.Values.events.transport "rabbitmq" }}
- secret:
    name: {{ $root.Values.events.rabbitmq.existingSecret }}
    items:
      - key: {{ $root.Values.events.rabbitmq.urlKey }}
        path: rabbitmq-url
{{- end }}
{{- end -}}
