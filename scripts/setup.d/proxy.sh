# shellcheck shell=bash
# Installs the proxies before the services in libs/chassis/tests/proxies.rs and tests/upgrade.

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

setup_proxy
setup_nginx
