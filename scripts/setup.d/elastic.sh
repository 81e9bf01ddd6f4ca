# shellcheck shell=bash
# Installs what tests the files of deploy/observability/elastic: OpenSearch from jars of Maven, and Filebeat from source.

# The jars are copied beside their place and moved there last, so that the folder is complete when it is there.
fetch_opensearch() {
    local folder copy
    folder=$(tools_folder)/opensearch-$OPENSEARCH_VERSION
    java_17 || apt_install openjdk-17-jre-headless || apt_install default-jre-headless || return 1
    [ ! -d "$folder" ] || return 0
    have mvn || apt_install maven || return 1
    mkdir -p "${folder%/*}"
    copy=$folder.$$
    mvn -q -B -f scripts/elastic-server/pom.xml dependency:copy-dependencies "-DoutputDirectory=$copy" >&2 || return 1
    if [ -d "$folder" ]; then rm -rf "$copy"; else mv "$copy" "$folder"; fi
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
    (cd scripts/filebeat && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$folder/filebeat.$$" .) >&2 || return 1
    mv "$folder/filebeat.$$" "$folder/filebeat"
}

setup_filebeat() {
    if filebeat_binary >/dev/null || { have go && build_filebeat; }; then
        say "setup: Filebeat $FILEBEAT_VERSION"
    else
        missing "Filebeat (Go 1.22 or newer, which builds it)" "see the documentation of Go, then: scripts/setup"
    fi
}

setup_opensearch
setup_filebeat
