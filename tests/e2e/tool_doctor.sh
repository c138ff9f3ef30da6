#!/bin/sh
# ingam doctor: each thing that can be wrong, and the exit code that says so.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/pin2"
foreign_ca
# state CHECK: what the last call with --json said of it, and the exit code's name.
state() {
    jq -r --arg c "$1" '[.checks[] | select(.check == $c) | .state] | unique | join(" ")' "$work/out"
}

PCSCLITE_CSOCK_NAME="$work/nothing" expect_exit 11 "$ingam" doctor --json
[ "$(state service) $(state module)" = 'fault ok' ] || fail "$(cat "$work/out")"
jq -e '.checks[] | select(.check == "service") | .todo | contains("systemctl start pcscd")' "$work/out" >/dev/null || fail "$(cat "$work/out")"
start_pcscd 'Virtual PCD'
expect_exit 3 "$ingam" doctor
grep -q 'card service answers' "$work/out" || fail "$(cat "$work/out")"
expect_exit 3 "$ingam" doctor --json
[ "$(state service) $(state token)" = 'ok fault' ] || fail "$(cat "$work/out")"
ok 'a stopped card service is exit 11, no token 3'

start_card token "${vpcd_ports%% *}" --profile yubikey-5.4 --serial 4242
expect_exit 0 "$ingam" doctor --json
[ "$(state token) $(state pin_default) $(state puk_default) $(state admin_default) $(state certificate)" = 'ok note note note note' ] ||
    fail "$(cat "$work/out")"
expect_exit 0 "$ingam" pin change --pin-file "$work/pin" --new-pin-file "$work/pin2"
"$ingam" key generate 9a --key-type p256 --default-admin >"$work/9a.pub" 2>"$work/err" || fail "$(cat "$work/err")"
certificate_for "$work/9a.pub" "$work/9a.pem"
expect_exit 0 "$ingam" cert import 9a --file "$work/9a.pem" --default-admin
expect_exit 16 "$ingam" doctor --json
[ "$(state pin_default) $(state certificate) $(jq -r .error.name "$work/out")" = ' fault expiring' ] || fail "$(cat "$work/out")"
expect_exit 0 "$ingam" doctor --days 1
ok 'factory values are noted, a certificate near its end is exit 16'

softhsm_new other
softhsm_tool() {
    pkcs11-tool --module "$softhsm" --login --pin 123456 "$@" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
}
softhsm_tool --keypairgen --key-type EC:secp256r1 --id 01
openssl x509 -in "$work/9a.pem" -outform DER -out "$work/9a.der"
softhsm_tool --write-object "$work/9a.der" --type cert --id 01
expect_exit 9 "$ingam" doctor --module "$softhsm"
grep -q 'for another key' "$work/out" || fail "$(cat "$work/out")"
expect_exit 9 env LC_ALL=C.UTF-8 LANGUAGE=ko "$ingam" doctor --module "$softhsm"
grep -q '다른 키' "$work/out" || fail "$(cat "$work/out")"
for _ in 1 2 3; do
    yubico-piv-tool -r Virtual -a verify-pin -P 111111 >/dev/null 2>&1 || true
done
expect_exit 5 "$ingam" doctor --json
[ "$(state pin)" = fault ] || fail "$(cat "$work/out")"
ok 'a certificate for another key is exit 9, a blocked PIN 5'

expect_exit 1 "$ingam" doctor --module "$work/nothing.so" --json
[ "$(state module)" = fault ] || fail "$(cat "$work/out")"
stack_done
