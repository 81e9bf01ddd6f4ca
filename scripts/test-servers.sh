# shellcheck shell=bash
# The servers that tests and measurements need: PostgreSQL, RabbitMQ, Kafka, Chromium, each on free ports under one
# temporary folder, and gone when the script that sourced this ends. Sourced after lib.sh, never run.
#
# VESTIBULE_TEST_POSTGRES, VESTIBULE_TEST_RABBITMQ, VESTIBULE_TEST_KAFKA and VESTIBULE_TEST_WEBDRIVER, where they are set,
# name servers to take instead.

scratch=$(mktemp -d "${TMPDIR:-/tmp}/vestibule-test.XXXXXX")
stop_postgres=:
stop_rabbitmq=:
stop_chromium=:
stop_kafka=:
# What runs in the background beside them.
stop_jobs=:
# The folder in memory, if there is one.
memory=

cleanup() {
    local status=$?
    trap - EXIT INT TERM
    $stop_jobs || true
    $stop_postgres || true
    $stop_rabbitmq || true
    $stop_chromium || true
    $stop_kafka || true
    rm -rf "$scratch"
    [ -z "$memory" ] || rm -rf "$memory"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The server refuses to run as root, so root lends it to an account without rights.
as_server() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
        return
    fi
    local account=nobody
    ! id -u postgres >/dev/null 2>&1 || account=postgres
    (cd / && runuser -u "$account" -- "$@")
}

# What the tests prove about crashes is proved by killing our services, not this server: it need not sync. A measurement
# says otherwise, with POSTGRES_SETTINGS.
UNSYNCED_SETTINGS="-c fsync=off -c full_page_writes=off -c max_wal_size=256MB"

# Chooses the folder of the server: in memory where 4 GB are free, unless a measurement is about disks. Tests create and delete
# thousands of databases of hundreds of files each. ext4 looks for a number for each new file among those that were deleted in the
# last seconds, which takes longer than all else that the tests do.
postgres_folder() {
    data=$scratch/postgres
    [ -z "${POSTGRES_SETTINGS:-}" ] && [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] || return 0
    [ "$(df -Pm /dev/shm | awk 'NR == 2 { print $4 }')" -ge 4096 ] || return 0
    memory=$(mktemp -d /dev/shm/vestibule-test.XXXXXX 2>/dev/null) || return 0
    data=$memory/postgres
}

start_postgres() {
    local bin data port
    bin=$(postgres_bin)
    postgres_folder
    mkdir "$data"
    if [ "$(id -u)" = 0 ]; then
        chmod 711 "${data%/*}"
        chown "$(as_server id -un)" "$data"
    fi
    as_server "$bin/initdb" -D "$data/cluster" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$scratch/initdb.log" 2>&1 ||
        { cat "$scratch/initdb.log" >&2; die "initdb failed"; }
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 12000))
        if as_server "$bin/pg_ctl" -D "$data/cluster" -l "$data/log" -w -t 60 \
            -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data -c max_connections=400 ${POSTGRES_SETTINGS:-$UNSYNCED_SETTINGS}" \
            start >/dev/null 2>&1; then
            stop_postgres="as_server $bin/pg_ctl -D $data/cluster -m immediate stop -s"
            export VESTIBULE_TEST_POSTGRES=postgres://postgres@127.0.0.1:$port/postgres
            return
        fi
        as_server grep -q 'could not bind' "$data/log" || break
    done
    as_server cat "$data/log" >&2 || true
    die "the PostgreSQL server of the tests did not start"
}

start_postgres_in_docker() {
    local container port
    # shellcheck disable=SC2086 # several words
    container=$(docker run -d --rm -e POSTGRES_HOST_AUTH_METHOD=trust -p 127.0.0.1::5432 "$POSTGRES_IMAGE" \
        -c max_connections=400 ${POSTGRES_SETTINGS:-$UNSYNCED_SETTINGS})
    stop_postgres="docker rm -f $container"
    port=$(docker port "$container" 5432/tcp | head -n 1)
    for _ in $(seq 60); do
        if docker exec "$container" pg_isready -q -h 127.0.0.1 -U postgres; then
            export VESTIBULE_TEST_POSTGRES=postgres://postgres@$port/postgres
            return
        fi
        sleep 1
    done
    die "the PostgreSQL container of the tests did not become ready"
}

# The container shares the host's network, because the browser must reach the services at localhost.
start_chromium_in_docker() {
    local container port=$((20000 + RANDOM % 12000))
    container=$(docker run -d --rm --network host --shm-size 1g -e SE_NODE_MAX_SESSIONS=8 -e "SE_OPTS=--port $port" "$CHROMIUM_IMAGE")
    stop_chromium="docker rm -f $container"
    export VESTIBULE_TEST_WEBDRIVER=http://127.0.0.1:$port
    for _ in $(seq 60); do
        ! curl -sf "$VESTIBULE_TEST_WEBDRIVER/status" >/dev/null || return 0
        sleep 1
    done
    die "the Chromium container of the tests did not become ready"
}

need_postgres() {
    [ -z "${VESTIBULE_TEST_POSTGRES:-}" ] || return 0
    if postgres_bin >/dev/null; then
        start_postgres
    elif docker_runs; then
        start_postgres_in_docker
    else
        die "no PostgreSQL: run scripts/setup"
    fi
}

need_rabbitmq() {
    [ -z "${VESTIBULE_TEST_RABBITMQ:-}" ] || return 0
    stop_rabbitmq="scripts/rabbitmq remove $scratch/rabbitmq"
    VESTIBULE_TEST_RABBITMQ=$(scripts/rabbitmq start "$scratch/rabbitmq")
    export VESTIBULE_TEST_RABBITMQ
}

need_kafka() {
    [ -z "${VESTIBULE_TEST_KAFKA:-}" ] || return 0
    stop_kafka="scripts/kafka kill $scratch/kafka"
    VESTIBULE_TEST_KAFKA=$(scripts/kafka start "$scratch/kafka" --lasting)
    export VESTIBULE_TEST_KAFKA
}

need_chromium() {
    [ -z "${VESTIBULE_TEST_WEBDRIVER:-}" ] || return 0
    if chromium_binary >/dev/null && chromedriver_binary >/dev/null; then
        VESTIBULE_TEST_CHROMIUM=$(chromium_binary)
        VESTIBULE_TEST_CHROMEDRIVER=$(chromedriver_binary)
        export VESTIBULE_TEST_CHROMIUM VESTIBULE_TEST_CHROMEDRIVER
    elif docker_runs; then
        start_chromium_in_docker
    fi
}
