#!/bin/sh
# The management key kept behind the PIN by ingam admin protect: read by ykman and by ourselves; a PIN is enough then.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"

start_pcscd 'Yubico YubiKey CCID'
start_card token "$vpcd_ports" --profile yubikey-5.7
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/wrong"
printf '1112131415161718111213141516171811121314151617FF\n' >"$work/fresh"
told() {
    ykman -r 'Yubico YubiKey CCID 00 00' piv info 2>/dev/null | grep -qi 'protected by PIN'
}

expect_exit 6 "$ingam" key generate 9a --key-type p256 --pin-file "$work/pin"
expect_exit 6 "$ingam" admin protect --admin-key-file "$work/fresh"
! told || fail 'protected already'
expect_exit 0 "$ingam" admin protect --default-admin
told || fail "ykman does not see it: $(ykman -r 'Yubico YubiKey CCID 00 00' piv info 2>&1)"
expect_exit 0 "$ingam" key generate 9a --key-type p256 --pin-file "$work/pin"
expect_exit 4 "$ingam" key generate 9a --replace --yes --pin-file "$work/wrong" --json
[ "$(jq .error.tries_left "$work/out")" = 2 ] || fail "$(cat "$work/out")"
start_desk
entitle person '/C=KR/CN=person' "$work/code"
expect_exit 0 "$ingam" issue 9a --existing-key --issuer "$url" --reference "$reference" --code-file "$work/code" --pin-file "$work/pin"
ok 'kept behind the PIN: keys and certificates are written with the PIN alone, a wrong one costs one try'

# ykman writes with what we kept.
ykman -r 'Yubico YubiKey CCID 00 00' piv keys generate -a ECCP256 -P 123456 9c "$work/9c.pem" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
expect_exit 0 env INGAM_PIN=123456 "$ingam" admin change --default-admin --new-admin-key-file "$work/fresh"
ykman -r 'Yubico YubiKey CCID 00 00' piv keys generate -a ECCP256 -P 123456 9d "$work/9d.pem" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
expect_exit 0 "$ingam" key generate 9e --key-type p256 --pin-file "$work/pin"
ok 'ykman uses it, also after the management key was changed'

expect_exit 0 "$ingam" admin unprotect --pin-file "$work/pin"
! told || fail 'still protected'
expect_exit 6 "$ingam" key generate 9d --key-type p256 --replace --yes --pin-file "$work/pin"
expect_exit 0 "$ingam" key generate 9d --key-type p256 --replace --yes --admin-key-file "$work/fresh"
ok 'taken away again: the management key has to be given'

# The management key is lost.
expect_exit 2 "$ingam" token reset --without-admin
expect_exit 2 "$ingam" token reset --without-admin --default-admin --yes
[ "$("$ingam" key list --json | jq '.keys | length')" -eq 4 ] || fail 'something is gone'
expect_exit 0 "$ingam" token reset --without-admin --yes
[ "$("$ingam" key list --json | jq '.keys | length')" -eq 0 ] || fail 'something stayed'
expect_exit 0 "$ingam" key generate 9a --key-type p256 --default-admin
# Killed in the middle: PIN and PUK are blocked already.
for _ in 1 2 3; do
    ykman -r 'Yubico YubiKey CCID 00 00' piv access change-pin -P 000000 -n 111111 >/dev/null 2>&1 || true
done
[ "$("$ingam" token info --json 2>/dev/null | jq .token.pin_tries)" = 0 ] || fail 'not blocked'
expect_exit 0 "$ingam" token reset --without-admin --yes
[ "$("$ingam" token info --json 2>/dev/null | jq .token.pin_tries)" = 3 ] || fail 'not as from the factory'
ok 'erased without the management key, also when the PIN is blocked already'
stop token
stack_cards=0
start_card plain "$vpcd_ports" --profile piv
expect_exit 7 "$ingam" token reset --without-admin --yes
[ "$("$ingam" token info --json 2>/dev/null | jq .token.pin_tries)" = 3 ] || fail 'tries were used'
ok 'a plain card cannot be erased, and keeps its tries'
stack_done
