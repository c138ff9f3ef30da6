#!/bin/sh
# Rehearses the opt-in run on a real token with a simulated one: what is not confirmed is not done.
. "$SOURCE/tests/lib/stack.sh"

start_pcscd
start_card card "$vpcd_ports" --serial 4711 --profile yubikey-5.4
"$ingam" key generate 9a --key-type p256 --default-admin >/dev/null 2>&1

# rehearse ANSWER...: one line each
rehearse() {
    printf '%s\n' "$@" >"$work/answers"
    sh "$SOURCE/tests/e2e/real_card.sh" 4711 <"$work/answers" >"$work/run.out" 2>&1 ||
        fail "the run fails: $(tail -n 5 "$work/run.out")"
}
p11 -O >"$work/before" 2>/dev/null
rehearse '' 4712
p11 -O 2>/dev/null | cmp -s - "$work/before" || fail 'the token has changed without the serial number'
ok 'another serial number, or none: the token is only read'
rehearse 123456 4711 4711 ''
grep -q 'signed with 9A' "$work/run.out" || fail 'no signature'
grep -q 'issued into 9E' "$work/run.out" || fail 'no certificate'
ok 'confirmed: signed with 9A, a certificate issued into 9E'
stack_done
