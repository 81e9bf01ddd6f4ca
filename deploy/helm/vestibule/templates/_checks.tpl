{{/* What the schema of the values cannot tell: each refusal says what to change. */}}

{{- define "vestibule.checks" -}}
{{- $sqlite := eq .Values.database.engine "sqlite" -}}
{{- range $service := list "auth" "users" -}}
{{- $own := index $.Values $service -}}
{{- if not $own.url -}}
{{- fail (printf "%s.url is missing: the public URL of the service, such as https://login.example.org" $service) -}}
{{- end -}}
{{- if $sqlite -}}
{{- if gt (int $own.replicas) 1 -}}
{{- fail (printf "%s.replicas is %d, and SQLite is a file that one process writes: set it to 1, or database.engine to postgres" $service (int $own.replicas)) -}}
{{- end -}}
{{- if $own.autoscaling.enabled -}}
{{- fail (printf "%s.autoscaling is enabled, and with SQLite there is never more than one replica: disable it, or set database.engine to postgres" $service) -}}
{{- end -}}
{{- end -}}
{{- if and $own.autoscaling.enabled (gt (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas is greater than maxReplicas" $service) -}}
{{- end -}}
{{- if and (not $own.existingSecret) (not $.Values.trial.enabled) -}}
{{- fail (printf "%s.existingSecret is missing: the name of the Secret that holds what %s keeps secret (README.md lists its keys); for a first try set trial.enabled" $service $service) -}}
{{- end -}}
{{- if and (not $sqlite) (not $own.existingSecret) (not $own.database.existingSecret) -}}
{{- fail (printf "%s.database.existingSecret is missing: the name of the Secret that holds the URL of its PostgreSQL database" $service) -}}
{{- end -}}
{{- if not (has $own.encryption.active $own.encryption.keys) -}}
{{- fail (printf "%s.encryption.active is %q, which is not among %s.encryption.keys" $service $own.encryption.active $service) -}}
{{- end -}}
{{- if and $own.ingress.enabled $own.httpRoute.enabled -}}
{{- fail (printf "%s.ingress and %s.httpRoute are both enabled: choose the one that your cluster serves" $service $service) -}}
{{- end -}}
{{- if and $own.httpRoute.enabled (not $own.httpRoute.parentRefs) -}}
{{- fail (printf "%s.httpRoute.parentRefs is empty: name the Gateway" $service) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.auth.url .Values.users.url -}}
{{- fail "auth.url and users.url are the same: each service needs a public URL of its own" -}}
{{- end -}}
{{- if and .Values.trial.enabled (include "vestibule.migratesInJob" .) -}}
{{- fail "trial.enabled makes Secrets with the release, and the migration Job runs before it: set database.migrationJob.enabled to false for the trial" -}}
{{- end -}}
{{- if .Values.trial.enabled -}}
{{- range $service := list "auth" "users" -}}
{{- if (index $.Values $service).existingSecret -}}
{{- fail (printf "trial.enabled and %s.existingSecret are both set: the chart makes the secrets of both services, or you make them; values-trial.yaml is a trial that can be installed" $service) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.apply -}}
{{- if .enabled -}}
{{- if and (not .file) (not .existingConfigMap) -}}
{{- fail "apply.enabled is set, and there is no file: set apply.file, or apply.existingConfigMap to the name of a ConfigMap" -}}
{{- end -}}
{{- if and .file .existingConfigMap -}}
{{- fail "apply.file and apply.existingConfigMap are both set: choose one" -}}
{{- end -}}
{{- if not .existingSecret -}}
{{- fail "apply.existingSecret is missing: the name of the Secret that holds the secret of apply.clientId" -}}
{{- end -}}
{{- $client := index $.Values.auth.clients .clientId | default dict -}}
{{- $isOperator := and $.Values.operator.enabled (eq .clientId "vestibule-cli") -}}
{{- if not (or $client $isOperator) -}}
{{- fail (printf "apply.clientId is %q, which is not among auth.clients: define it there, with hasSecret, the grant client_credentials and the scope admin" .clientId) -}}
{{- end -}}
{{- if not (or $isOperator (and $client.hasSecret (has "client_credentials" ($client.grant_types | default list)) (has "admin" (splitList " " ($client.scope | default ""))))) -}}
{{- fail (printf "auth.clients.%s, as which the declarative file is applied, needs hasSecret: true, grant_types: [client_credentials] and scope: admin" .clientId) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.events.transport "kafka") (not .Values.events.kafka.brokers) -}}
{{- fail "events.kafka.brokers is empty: name one broker at least, such as kafka-0.kafka:9092" -}}
{{- end -}}
{{- if and (eq .Values.events.transport "rabbitmq") (not .Values.events.rabbitmq.existingSecret) -}}
{{- fail "events.rabbitmq.existingSecret is missing: the name of the Secret that holds the amqp:// URL" -}}
{{- end -}}
{{- end -}}
