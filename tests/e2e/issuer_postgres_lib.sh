# A PostgreSQL of the test's own: private directory, no network, stopped at the end. To be sourced after
# tests/lib/stack.sh.
# shellcheck shell=sh disable=SC2034,SC2154

postgres_bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort | tail -n 1)

# PostgreSQL refuses to run as root: then its own user runs it.
postgres_as() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid postgres --regid postgres --clear-groups -- "$@"
    else
        "$@"
    fi
}

# Starts it; postgres is the address of an empty database.
postgres_start() {
    [ -n "$postgres_bin" ] || fail 'PostgreSQL is not installed'
    postgres_dir=$(mktemp -d "${TMPDIR:-/tmp}/ingam-pg.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then chown postgres "$postgres_dir"; fi
    (cd / && postgres_as "$postgres_bin/initdb" -D "$postgres_dir/data" -U ingam -A trust --no-sync -E UTF8 \
        --locale=C.UTF-8) >"$work/initdb.out" 2>&1 || fail "$(cat "$work/initdb.out")"
    (
        cd /
        if [ "$(id -u)" -eq 0 ]; then
            exec setpriv --reuid postgres --regid postgres --clear-groups -- "$postgres_bin/postgres" \
                -D "$postgres_dir/data" -k "$postgres_dir" -c listen_addresses= -c fsync=off
        fi
        exec "$postgres_bin/postgres" -D "$postgres_dir/data" -k "$postgres_dir" -c listen_addresses= -c fsync=off
    ) >"$work/postgres.out" 2>&1 </dev/null &
    postgres_pid=$!
    stack_pids="$postgres_pid $stack_pids"
    wait_for 30 'PostgreSQL' "$postgres_bin/pg_isready" -q -h "$postgres_dir" -U ingam -d postgres
    "$postgres_bin/createdb" -h "$postgres_dir" -U ingam ingam
    postgres="postgresql://ingam@/ingam?host=$postgres_dir"
    # SIGINT ends it at once, without waiting for its clients.
    trap 'postgres_status=$?; kill -INT "$postgres_pid" 2>/dev/null; wait "$postgres_pid" 2>/dev/null; rm -rf "$postgres_dir"; (exit $postgres_status); stack_exit' EXIT
}
