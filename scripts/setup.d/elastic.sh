# shellcheck shell=bash
# Installs what tests the files of deploy/observability/elastic: OpenSearch from jars of Maven, and Filebeat from source.

fetch_opensearch() {
    java_usable && maven_jars scripts/elastic-server/pom.xml "$(tools_folder)/opensearch-$OPENSEARCH_VERSION"
}

setup_opensearch() {
    if fetch_opensearch && elastic_jars >/dev/null; then
        say "setup: OpenSearch $OPENSEARCH_VERSION"
    elif docker_runs && docker pull -q "$OPENSEARCH_IMAGE" >/dev/null; then
        say "setup: OpenSearch from the image $OPENSEARCH_IMAGE"
    else
        missing "OpenSearch (Java 17 and the server's jars)" "sudo apt-get update && sudo apt-get install openjdk-17-jre-headless maven"
    fi
}

build_filebeat() {
    local folder
    folder=$(tools_folder)/filebeat-$FILEBEAT_VERSION
    mkdir -p "$folder"
    say "setup: building Filebeat $FILEBEAT_VERSION, once: a few minutes"
    (cd scripts/filebeat && go build -o "$folder/filebeat.$$" .) >&2 || return 1
    mv "$folder/filebeat.$$" "$folder/filebeat"
}

setup_filebeat() {
    if filebeat_binary >/dev/null || { go_usable && build_filebeat; }; then
        say "setup: Filebeat $FILEBEAT_VERSION"
    else
        missing "Filebeat (Go 1.22 or newer, which builds it)" "see the documentation of Go, then: scripts/setup"
    fi
}

setup_opensearch
setup_filebeat
