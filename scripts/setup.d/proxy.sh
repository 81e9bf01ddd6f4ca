# shellcheck shell=bash
# The proxy before the replicas in tests/upgrade.

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

setup_proxy
