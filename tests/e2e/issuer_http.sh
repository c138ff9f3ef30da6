#!/bin/sh
# HTTP towards the desk (RFC 6712): wrong requests have their status, many idle connections do not stop it.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"

desk_serve
base=${url%/cmp}
type='Content-Type: application/pkixcmp'

# status WANTED OPTION...: curl gets this status.
status() {
    want=$1
    shift
    got=$(curl -s -m 20 -o "$work/body" -w '%{http_code}' "$@") || fail "no answer: $*"
    [ "$got" = "$want" ] || fail "status $got, not $want: $*"
}

status 404 "$base/nothing"
status 405 "$url"
status 405 -X PUT --data x -H "$type" "$url"
status 415 --data x "$url"
status 400 --data x -H "$type" "$url"
status 400 -X POST -H "$type" "$url"
status 400 --data x -H "$type" "$base/.well-known/cmp"
status 400 --data x -H "$type" "$base/"
curl -s -m 20 -o /dev/null -D "$work/head" "$url"
grep -qi '^allow: POST' "$work/head" || fail 'no Allow header'
ok 'each wrong request has its status'

head -c 200000 /dev/zero >"$work/long"
status 413 --data-binary "@$work/long" -H "$type" "$url"
status 413 --data-binary "@$work/long" -H "$type" -H 'Expect:' -H 'Transfer-Encoding: chunked' "$url"
head -c 65536 /dev/zero >"$work/edge"
status 400 --data-binary "@$work/edge" -H "$type" "$url"
ok 'a body that is too long is refused, with and without its length said'

head -c 3000 /dev/urandom >"$work/noise"
status 400 --data-binary "@$work/noise" -H "$type" "$url"
printf '\060\204\377\377\377\377' >"$work/liar"
status 400 --data-binary "@$work/liar" -H "$type" "$url"
ok 'noise and lying lengths are refused'

"$BUILD/tests/e2e/issuer_idle" "${server##*:}" 1000 || fail 'a thousand idle connections'
ok 'a thousand idle connections do not stop it'
"$BUILD/tests/e2e/issuer_idle" "${server##*:}" 4500 || fail 'more connections than the desk allows'
ok 'more idle connections than it allows do not stop it either'

authorize after
p256 "$work/key.pem"
cmp after "$work/key.pem" -certout "$work/crt.pem" || fail "$(cat "$work/cmp.out")"
ok 'and it still issues'

kill -TERM "$serve_pid"
code=0
wait "$serve_pid" || code=$?
[ "$code" -eq 0 ] || fail "SIGTERM ended it with $code"
ok 'SIGTERM ends it cleanly'
stack_done
