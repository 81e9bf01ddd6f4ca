# shellcheck shell=bash
# Installs Prometheus with promtool and Alertmanager with amtool, for the tests of rules, scrapes and alerts.

setup_prometheus() {
    if have prometheus && have promtool; then
        say "setup: $(promtool --version 2>&1 | head -n 1)"
    elif apt_install prometheus && have promtool; then
        say "setup: $(promtool --version 2>&1 | head -n 1), just installed"
    elif docker_runs && docker pull -q "$PROMETHEUS_IMAGE" >/dev/null; then
        say "setup: Prometheus from the image $PROMETHEUS_IMAGE"
    else
        missing "Prometheus with promtool" "sudo apt-get update && sudo apt-get install prometheus"
    fi
}

setup_alertmanager() {
    if have prometheus-alertmanager && have amtool; then
        say "setup: $(amtool --version 2>&1 | head -n 1)"
    elif apt_install prometheus-alertmanager && have amtool; then
        say "setup: $(amtool --version 2>&1 | head -n 1), just installed"
    elif docker_runs && docker pull -q "$ALERTMANAGER_IMAGE" >/dev/null; then
        say "setup: Alertmanager from the image $ALERTMANAGER_IMAGE"
    else
        missing "Alertmanager with amtool" "sudo apt-get update && sudo apt-get install prometheus-alertmanager"
    fi
}

setup_prometheus
setup_alertmanager
