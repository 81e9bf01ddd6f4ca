{{/*
The configuration file of a service: what the chart knows, over it the tables of `auth.config` or `users.config`.
Secrets are never in it, only the paths of their files.
*/}}

{{- define "vestibule.secretsFolder" -}}/run/secrets/vestibule{{- end -}}

{{- define "vestibule.config.database" -}}
{{- $own := index .root.Values .service -}}
{{- $table := dict "max_connections" $own.database.maxConnections -}}
{{- if eq .root.Values.database.engine "sqlite" -}}
{{- $_ := set $table "url" (printf "sqlite:/var/lib/vestibule/%s.db" .service) -}}
{{- else -}}
{{- $_ := set $table "url_file" (printf "%s/database-url" (include "vestibule.secretsFolder" .)) -}}
{{- $_ := set $table "pooling" $own.database.pooling -}}
{{- if $own.database.directUrlKey -}}
{{- $_ := set $table "direct_url_file" (printf "%s/database-direct-url" (include "vestibule.secretsFolder" .)) -}}
{{- end -}}
{{- end -}}
{{- if include "vestibule.migratesInJob" .root -}}
{{- $_ := set $table "migrate" false -}}
{{- end -}}
{{- toJson $table -}}
{{- end -}}

{{- define "vestibule.config.listen" -}}
{{- $own := index .root.Values .service -}}
{{- $host := .root.Values.listenHost -}}
{{- $table := dict "address" (printf "%s:%s" $host (include "vestibule.port" .service)) "management" (printf "%s:%s" $host (include "vestibule.managementPort" .service)) "trusted_proxies" $own.trustedProxies -}}
{{- if $own.tls.existingSecret -}}
{{- $_ := set $table "tls" (dict "certificate" "/run/secrets/tls/tls.crt" "key" "/run/secrets/tls/tls.key") -}}
{{- end -}}
{{- toJson $table -}}
{{- end -}}

{{- define "vestibule.config.tlsClient" -}}
{{- $table := dict -}}
{{- if .existingSecret -}}
{{- if .caKey -}}{{- $_ := set $table "ca" "/run/secrets/broker-tls/ca.crt" -}}{{- end -}}
{{- if .certificateKey -}}
{{- $_ := set $table "certificate" "/run/secrets/broker-tls/tls.crt" -}}
{{- $_ := set $table "key" "/run/secrets/broker-tls/tls.key" -}}
{{- end -}}
{{- end -}}
{{- toJson $table -}}
{{- end -}}

{{- define "vestibule.config.events" -}}
{{- $events := .root.Values.events -}}
{{- $table := dict "transport" $events.transport "namespace" $events.namespace "retention_days" $events.retentionDays -}}
{{- if eq $events.transport "kafka" -}}
{{- $kafka := dict "brokers" $events.kafka.brokers "declare" $events.kafka.declare -}}
{{- with $events.kafka.partitions }}{{- $_ := set $kafka "partitions" . -}}{{- end -}}
{{- with $events.kafka.replication }}{{- $_ := set $kafka "replication" . -}}{{- end -}}
{{- if $events.kafka.tls.enabled -}}
{{- $tls := include "vestibule.config.tlsClient" $events.kafka.tls | fromJson -}}
{{- $_ := set $tls "verification" $events.kafka.tls.verification -}}
{{- $_ := set $kafka "tls" $tls -}}
{{- end -}}
{{- if $events.kafka.sasl.existingSecret -}}
{{- $user := $events.kafka.sasl.user | default (printf "vestibule-%s" .service) -}}
{{- $_ := set $kafka "sasl" (dict "mechanism" $events.kafka.sasl.mechanism "user" $user "password_file" (printf "%s/kafka-password" (include "vestibule.secretsFolder" .))) -}}
{{- end -}}
{{- $_ := set $table "kafka" $kafka -}}
{{- else if eq $events.transport "rabbitmq" -}}
{{- $rabbit := dict "url_file" (printf "%s/rabbitmq-url" (include "vestibule.secretsFolder" .)) "declare" $events.rabbitmq.declare -}}
{{- if $events.rabbitmq.tls.enabled -}}
{{- $_ := set $rabbit "tls" (include "vestibule.config.tlsClient" $events.rabbitmq.tls | fromJson) -}}
{{- end -}}
{{- $_ := set $table "rabbitmq" $rabbit -}}
{{- end -}}
{{- toJson $table -}}
{{- end -}}

{{- define "vestibule.config.encryption" -}}
{{- $own := index .root.Values .service -}}
{{- $keys := dict -}}
{{- range $own.encryption.keys -}}
{{- $_ := set $keys (printf "%s_file" .) (printf "%s/encryption-%s" (include "vestibule.secretsFolder" $) .) -}}
{{- end -}}
{{- toJson (dict "active" $own.encryption.active "keys" $keys) -}}
{{- end -}}

{{/* The clients that the services and the tool need, and those of auth.clients. */}}
{{- define "vestibule.config.clients" -}}
{{- $folder := include "vestibule.secretsFolder" . -}}
{{- $grant := list "client_credentials" -}}
{{- $clients := dict
  "vestibule-auth" (dict "grant_types" $grant "scope" "users:read users:write groups:read events:read")
  "vestibule-users" (dict "grant_types" $grant "scope" "events:read")
-}}
{{- if .root.Values.operator.enabled -}}
{{- $_ := set $clients "vestibule-cli" (dict "grant_types" $grant "scope" "admin users:read users:write groups:read groups:write events:read") -}}
{{- end -}}
{{- range $id, $client := $clients -}}
{{- $_ := set $client "client_secret_file" (printf "%s/client-%s" $folder $id) -}}
{{- end -}}
{{- range $id, $client := .root.Values.auth.clients -}}
{{- $table := omit $client "hasSecret" -}}
{{- if $client.hasSecret -}}
{{- $_ := set $table "client_secret_file" (printf "%s/client-%s" $folder $id) -}}
{{- end -}}
{{- $_ := set $clients $id $table -}}
{{- end -}}
{{- toJson $clients -}}
{{- end -}}

{{- define "vestibule.config" -}}
{{- $own := index .root.Values .service -}}
{{- $folder := include "vestibule.secretsFolder" . -}}
{{- $log := dict "format" "ecs" -}}
{{- $config := dict
  "drain_seconds" $own.drainSeconds
  "listen" (include "vestibule.config.listen" . | fromJson)
  "database" (include "vestibule.config.database" . | fromJson)
  "log" $log
  "events" (include "vestibule.config.events" . | fromJson)
  "encryption" (include "vestibule.config.encryption" . | fromJson)
-}}
{{- with .root.Values.traces.otlpEndpoint -}}
{{- $_ := set $config "traces" (dict "otlp_endpoint" . "sample_ratio" $.root.Values.traces.sampleRatio) -}}
{{- end -}}
{{- if eq .service "auth" -}}
{{- $_ := set $config "issuer" (trimSuffix "/" $own.url) -}}
{{- $_ := set $config "users" (dict "url" (trimSuffix "/" .root.Values.users.url) "internal_url" (include "vestibule.internalUrl" (dict "root" .root "service" "users"))) -}}
{{- $_ := set $config "service" (dict "client_id" "vestibule-auth" "client_secret_file" (printf "%s/client-vestibule-auth" $folder)) -}}
{{- $_ := set $config "clients" (include "vestibule.config.clients" . | fromJson) -}}
{{- else -}}
{{- $_ := set $config "url" (trimSuffix "/" $own.url) -}}
{{- $_ := set $config "auth" (dict "issuer" (trimSuffix "/" .root.Values.auth.url) "internal_url" (include "vestibule.internalUrl" (dict "root" .root "service" "auth")) "client_id" "vestibule-users" "client_secret_file" (printf "%s/client-vestibule-users" $folder)) -}}
{{- end -}}
{{- $config = mergeOverwrite $config (deepCopy $own.config) -}}
{{- include "vestibule.toml" (dict "table" $config "path" "") | trim -}}
{{- end -}}
