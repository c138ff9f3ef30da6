#!/bin/sh
# ingam status: valid, soon over, suspended, revoked, expired; told by the desk's OCSP or its CRL, and believed only with the
# CA's signature.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_life_lib.sh
. "$SOURCE/tests/e2e/tool_life_lib.sh"

start_sim token
desk_at
checks_set
customer_add 홍길동 individual 900101-1234568
for slot in 9a 9c; do
    apply "$customer" "$slot" --class joint
    life_issue "$slot" "$slot"
done
state() {
    jq -r --arg slot "$1" '.certificates[] | select(.slot == $slot) | .state + " " + (.source // "-")' "$work/out"
}
is() {
    [ "$(state "$1")" = "$2" ] || fail "slot $1 is '$(state "$1")', not '$2'"
}

exchanges "$work/token.log" >"$work/before"
expect_exit 0 "$ingam" status --json
is 9a 'valid ocsp'
is 9c 'valid ocsp'
jq -e --arg url "$url" '.schema == 1 and .certificates[0].issuer_url == $url and .certificates[0].days_left > 360' "$work/out" \
    >/dev/null || fail "$(cat "$work/out")"
expect_exit 16 "$ingam" status 9a --days 400
says 'ingam renew'
expect_exit 0 "$ingam" status --offline --json
is 9a 'valid -'
expect_exit 8 "$ingam" status 9d
ok 'valid at the CA, and soon over (16) when the days say so; without asking the CA too'

expect_exit 0 "$ingam" suspend 9a --pin-file "$work/pin"
expect_exit 9 "$ingam" status --json
is 9a 'suspended ocsp'
is 9c 'valid ocsp'
expect_exit 0 "$ingam" revoke 9a --reason keyCompromise --yes --pin-file "$work/pin"
expect_exit 9 "$ingam" status 9a --json
is 9a 'revoked ocsp'
jq -e '.certificates[0].reason == 1 and (.certificates[0].since | startswith("20"))' "$work/out" >/dev/null || fail "$(cat "$work/out")"
expect_exit 9 env LC_ALL=C.UTF-8 LANGUAGE=ko "$ingam" status
grep -q '폐기' "$work/out" || fail "no Korean: $(cat "$work/out")"
ok 'suspended and revoked: 9, with reason and time'

# Only a CRL, as another server gives it.
mkdir "$work/www"
curl -s -o "$work/www/ca.crl" "http://$server/ca.crl"
cp "$work/www/ca.crl" "$work/crl.der"
serve_files() {
    start files python3 -c '
import functools, http.server, sys
s = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1]))
print("ready http://127.0.0.1:%d/cmp" % s.server_port, flush=True)
s.serve_forever()' "$work/www"
    files_url=${files_ready#ready }
}
serve_files
expect_exit 9 "$ingam" status --issuer "$files_url" --ca "$desk/ca.crt" --json
is 9a 'revoked crl'
is 9c 'valid crl'
ok 'without OCSP the CRL tells'

# What another CA says counts for nothing.
"$issuer" init --dir "$work/desk2" --name 'Another' >/dev/null
start other "$issuer" serve --dir "$work/desk2" --listen 127.0.0.1:0
expect_exit 9 "$ingam" status 9c --issuer "${other_ready#ready }" --ca "$desk/ca.crt"
says 'not to be believed'
stop other
printf 'nonsense' >"$work/www/ca.crl"
expect_exit 13 "$ingam" status 9c --issuer "$files_url" --ca "$desk/ca.crt" --json
is 9c 'valid -'
stop files
ok 'answers of another CA, and nonsense, are not believed'

stop serve
serve_pid=
expect_exit 13 "$ingam" status 9c --json
is 9c 'valid -'
expect_exit 9 "$ingam" status 9a --json
is 9a 'revoked record'
ok 'a CA that cannot be reached: 13, and the dates and what was done here are told'
stack_done
