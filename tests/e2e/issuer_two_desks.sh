#!/bin/sh
# Two desks on one registry, many clients at once: a person gets one valid financial certificate, and nothing is lost.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init=--test-profile
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="$desk_init --db $postgres"
fi
clients=${2:-12}
[ -z "${INGAM_SOAK:-}" ] || clients=100

desk_serve
checks_set
one=$server
# The other desk: with PostgreSQL a directory of its own, which the first one was copied to.
second=$desk
if [ "${1:-}" = postgres ]; then
    second="$work/second"
    cp -a "$desk" "$second"
fi
serve2_ready=
start serve2 "$issuer" serve --dir "$second" --listen 127.0.0.1:0
two=${serve2_ready#ready http://}
two=${two%/cmp}

customer_add 홍길동 individual 900101-1234568
number=0
while [ "$number" -lt "$clients" ]; do
    number=$((number + 1))
    apply "$customer" "$number" --class financial
    echo "$reference" >"$work/reference.$number"
    p256 "$work/key.$number"
done
pids=
number=0
while [ "$number" -lt "$clients" ]; do
    number=$((number + 1))
    if [ $((number % 2)) -eq 0 ]; then to=$one; else to=$two; fi
    openssl cmp -config /dev/null -server "$to" -path /cmp -cmd ir -ref "$(cat "$work/reference.$number")" \
        -secret "file:$work/code.$number" -newkey "$work/key.$number" -subject /CN=me -unprotected_errors \
        -certout "$work/got.$number" >"$work/cmp.$number" 2>&1 &
    pids="$pids $!"
done
won=0
for pid in $pids; do
    if wait "$pid"; then won=$((won + 1)); fi
done
[ "$won" -eq 1 ] || fail "$won of $clients got a financial certificate"
for file in "$work"/cmp.*; do
    case $file in *.out) continue ;; esac
    [ "$(grep -c 'duplicateCertReq' "$file")" -gt 0 ] || [ -s "$work/got.${file##*.}" ] || fail "$(cat "$file")"
done
valid=$(desk_do certificate list --json |
    jq '[.certificates[] | select(.class == "financial" and .state == "confirmed" and .status == "valid")] | length')
[ "$valid" -eq 1 ] || fail "$valid valid ones in the registry"
desk_exit 0 log verify
ok "$clients clients at two desks: one certificate"

# Each of many persons gets theirs.
number=0
while [ "$number" -lt "$clients" ]; do
    number=$((number + 1))
    authorize "many-$number"
    echo "$reference" >"$work/reference.$number"
done
pids=
number=0
while [ "$number" -lt "$clients" ]; do
    number=$((number + 1))
    if [ $((number % 2)) -eq 0 ]; then to=$one; else to=$two; fi
    openssl cmp -config /dev/null -server "$to" -path /cmp -cmd ir -ref "$(cat "$work/reference.$number")" \
        -secret "file:$work/code.many-$number" -newkey "$work/key.$number" -subject /CN=me -unprotected_errors \
        -certout "$work/many.$number" >"$work/cmp.$number" 2>&1 &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || fail "$(cat "$work"/cmp.*)"
done
lost=$(for file in "$work"/many.*; do serial_of "$file"; done | sort -u | wc -l)
[ "$lost" -eq "$clients" ] || fail "$lost of $clients certificates"
desk_exit 0 log verify
ok "$clients persons at two desks: $clients certificates"
stop serve2
stop serve
stack_done
