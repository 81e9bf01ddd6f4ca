# shellcheck shell=bash
# Installs what renders and checks the chart: Helm, the admission code of Kubernetes, and the schemas of the kinds that the
# Prometheus operator and the Gateway API bring. All of it comes as Go modules, pinned by version and by checksum.

HELM_VERSION=3.22.0
HELM_IMAGE=alpine/helm:$HELM_VERSION
GATEWAY_API_VERSION=1.6.3
PROMETHEUS_OPERATOR_VERSION=0.85.0

# A folder with a script in the place of Helm, which runs the image on the same paths.
helm_in_docker() {
    local place=$1
    docker pull -q "$HELM_IMAGE" >/dev/null || return 1
    mkdir -p "$place"
    # shellcheck disable=SC2016 # for the script, not for us
    printf '#!/bin/sh\nexec docker run --rm -i -v "%s:%s" -v /tmp:/tmp -w "$PWD" %s "$@"\n' "$PWD" "$PWD" "$HELM_IMAGE" >"$place/helm"
    chmod 755 "$place/helm"
}

setup_helm() {
    local place
    place=$(tools_folder)/helm-$HELM_VERSION
    if [ ! -x "$place/helm" ]; then
        say "setup: Helm $HELM_VERSION (a minute or two)"
        if go_usable; then
            go_program "$place" . helm.sh/helm/v3/cmd/helm "v$HELM_VERSION" || missing "Helm $HELM_VERSION" "go install helm.sh/helm/v3/cmd/helm@v$HELM_VERSION"
        elif ! { docker_runs && helm_in_docker "$place"; }; then
            missing "Go 1.21 or newer (or Docker), with which Helm is built," "sudo apt-get install golang-go"
        fi
    fi
    say "setup: Helm $("$place/helm" version --short)"
}

# The admission code of Kubernetes, as a program. Its sources are a part of its folder's name. Its go.mod has the versions of Helm's, so
# that what both need is compiled once.
setup_podsecurity() {
    local sources=tests/deploy/helm/podsecurity place
    place=$(tools_folder)/podsecurity-$(digest_of $sources/go.mod $sources/go.sum $sources/main.go)
    go_program "$place" "$sources" podsecurity || missing "the admission code of Kubernetes" "cd $sources && go build"
    ln -sfn "$place" "$(tools_folder)/podsecurity"
}

setup_crds() {
    local place module
    place=$(tools_folder)/crds-$GATEWAY_API_VERSION-$PROMETHEUS_OPERATOR_VERSION
    if [ ! -d "$place" ]; then
        go_usable || missing "Go 1.21 or newer" "sudo apt-get install golang-go"
        rm -rf "$place.$$"
        mkdir -p "$place.$$"
        module=$(go_module "sigs.k8s.io/gateway-api@v$GATEWAY_API_VERSION")
        cp "$module/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml" "$place.$$"
        module=$(go_module "github.com/prometheus-operator/prometheus-operator@v$PROMETHEUS_OPERATOR_VERSION")
        cp "$module"/example/prometheus-operator-crd/*_{servicemonitors,prometheusrules}.yaml "$place.$$"
        chmod -R u+w "$place.$$"
        mv "$place.$$" "$place"
    fi
    ln -sfn "$place" "$(tools_folder)/crds"
}

# The folder of a module of Go, fetched when it is not there.
go_module() {
    (cd / && go mod download -json "$1") | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p' ||
        missing "the module $1" "go mod download $1"
}

setup_helm
setup_podsecurity
setup_crds
