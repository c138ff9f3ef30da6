#!/bin/sh
# The tries left in prompts and messages, the touch that is asked for, and the seconds while a key is made.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
tty="$BUILD/tests/e2e/tool_on_tty"
printf '123456\n' >"$work/pin"
printf '111111\n' >"$work/bad"
shows() {
    grep -q -- "$1" "$work/out" || fail "does not show '$1': $(cat "$work/out")"
}

start_sim plain --serial 7
expect_exit 4 "$ingam" pin change --pin-file "$work/bad" --new-pin-file "$work/pin" --json
says 'Tries left: 2'
[ "$(jq .error.tries_left "$work/out")" -eq 2 ] || fail "$(cat "$work/out")"
before=$(exchanges "$work/plain.log")
expect_exit 130 "$tty" '^C' -- "$ingam" pin change
shows 'tries left: 2'
[ "$(exchanges "$work/plain.log")" -gt "$before" ] || fail 'the card was not asked'
expect_exit 0 "$ingam" token info --json
[ "$(jq -c '.token | [.pin_tries, .puk_tries, .pin_default]' "$work/out")" = '[2,null,null]' ] || fail "$(cat "$work/out")"
expect_exit 4 env LANGUAGE=ko "$ingam" pin change --pin-file "$work/bad" --new-pin-file "$work/pin" --last-try
says '남은'
ok 'plain PIV: the tries left of the PIN, asked without using one'
expect_exit 0 "$tty" "$work" -- "$ingam" key generate 9a --key-type rsa2048 --default-admin
shows 'slot 9a... 0 s'
expect_exit 0 "$ingam" key generate 9d --key-type p256 --default-admin
! grep -q ' 0 s' "$work/err" || fail 'seconds without a terminal'
ok 'the seconds are counted at a terminal, and only there'
stop plain

unset INGAM_SIM
start_sim more --serial 8 --profile yubikey-5.7 --count 1
expect_exit 4 "$ingam" pin unblock --puk-file "$work/bad" --new-pin-file "$work/pin" --json
[ "$(jq .error.tries_left "$work/out")" -eq 2 ] || fail "$(cat "$work/out")"
expect_exit 130 "$tty" '^C' -- "$ingam" pin unblock
shows 'PUK (tries left: 2)'
expect_exit 0 "$ingam" token info --json
says 'management key is still the factory'
[ "$(jq -c '.token | [.pin_tries, .puk_tries, .admin_default, .admin_cipher]' "$work/out")" = '[3,2,true,"AES192"]' ] ||
    fail "$(cat "$work/out")"
ok 'a card with metadata: the PUK too, and what is still as from the factory'
stop more

# A key that wants a touch, made by Yubico's tool.
unset INGAM_SIM
start_pcscd 'Yubico YubiKey CCID'
# shellcheck disable=SC2086
start_card touched $vpcd_ports --serial 9 --profile yubikey-5.4
yubico-piv-tool -a generate -s 9a -A ECCP256 --touch-policy=always >"$work/public.pem" 2>"$work/yubico.err" ||
    fail "$(cat "$work/yubico.err")"
foreign_ca
certificate_for "$work/public.pem" "$work/one.pem"
start_foreign server code-1 -rsp_cert "$work/one.pem" -rsp_capubs "$work/ca.pem"
printf 'code-1\n' >"$work/code"
expect_exit 0 "$ingam" issue 9a --existing-key --public-key "$work/public.pem" --issuer "$url" --reference 4711 \
    --code-file "$work/code" --pin-file "$work/pin" --default-admin --ca "$work/ca.pem"
says 'Touch the token now'
ok 'a touch is asked for before the signature'
stack_done
