# shellcheck shell=bash
# Builds the program that reads the dashboards as strictly as Grafana's own types do. It is built on Grafana's Go
# library, pinned by version and by checksum.

GOLANG_IMAGE=golang:1.26-alpine

setup_dashboard_schema() {
    local sources=$PWD/tests/deploy/grafana/schema place copy go=go
    place=$(tools_folder)/dashboards-$(digest_of "$sources"/go.mod "$sources"/go.sum "$sources"/main.go)
    if [ ! -x "$place/dashboards" ]; then
        say "setup: the reader of dashboards (half a minute)"
        copy=$place.$$
        mkdir -p "$copy"
        have go || go=/usr/local/go/bin/go
        if have "$go"; then
            (cd "$sources" && "$go" build -o "$copy/dashboards" .) >&2
        elif docker_runs; then
            docker run --rm -e CGO_ENABLED=0 -e GOFLAGS=-buildvcs=false -v "$sources:/sources:ro" -v "$copy:/out" -w /sources "$GOLANG_IMAGE" \
                go build -trimpath -o /out/dashboards . >&2
        fi || missing "the reader of dashboards" "cd $sources && go build"
        [ -x "$copy/dashboards" ] || missing "Go 1.23 or newer (or Docker)" "sudo apt-get install golang"
        # Last, so that it is complete when it is there.
        rm -rf "$place"
        mv "$copy" "$place"
    fi
    ln -sfn "$place" "$(tools_folder)/dashboards"
    say "setup: the reader of dashboards"
}

setup_dashboard_schema
