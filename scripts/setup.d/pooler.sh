# shellcheck shell=bash
# Installs the pooler before PostgreSQL in the tests of the database handle and of the replicas.

setup_pooler() {
    # Debian keeps it off the PATH of those who are not root.
    if have pgbouncer || [ -x /usr/sbin/pgbouncer ]; then
        say "setup: $(PATH=$PATH:/usr/sbin pgbouncer --version | head -n 1)"
    elif apt_install pgbouncer; then
        say "setup: $(PATH=$PATH:/usr/sbin pgbouncer --version | head -n 1), just installed"
    else
        missing "PgBouncer" "sudo apt-get update && sudo apt-get install --no-install-recommends pgbouncer"
    fi
}

setup_pooler
