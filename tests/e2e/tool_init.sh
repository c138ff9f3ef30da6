#!/bin/sh
# ingam token init: a token as it comes from the factory gets a PIN, a PUK, a management key and an identity of its own.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
printf '654321\n' >"$work/pin"
printf '123456\n' >"$work/old"
printf '87654321\n' >"$work/puk"
printf '11223344\n' >"$work/wrong"
printf '1112131415161718111213141516171811121314151617FF\n' >"$work/admin"
set -- --new-pin-file "$work/pin" --new-puk-file "$work/puk"

for profile in yubikey-5.4 yubikey-5.7; do
    INGAM_SIM=
    name=yubikey$(printf %s "$profile" | tr -dc 0-9)
    start_sim "$name" --serial 4242 --profile "$profile"
    expect_exit 6 "$ingam" token init "$@"
    expect_exit 6 "$ingam" token init "$@" --admin-key-file "$work/admin"
    expect_exit 2 "$ingam" token init "$@" --default-admin --label 'no end '
    expect_exit 4 "$ingam" token init --default-admin
    expect_exit 4 "$ingam" token init "$@" --default-admin --puk-file "$work/wrong" --new-puk-file "$work/old"
    expect_exit 0 "$ingam" token init "$@" --default-admin --new-admin-key-file "$work/admin" --label mine --json
    [ "$(jq -r '[.token, .label, .admin_changed] | join(" ")' "$work/out")" = '4242 mine true' ] || fail "$(cat "$work/out")"
    p11 -T 2>/dev/null | grep -q 'token label  *: mine$' || fail 'the token has no label'
    expect_exit 6 "$ingam" key generate 9a --key-type p256 --default-admin
    expect_exit 0 "$ingam" key generate 9a --key-type p256 --admin-key-file "$work/admin"
    expect_exit 0 "$ingam" pin change --pin-file "$work/pin" --new-pin-file "$work/pin"
    expect_exit 4 "$ingam" pin change --pin-file "$work/old" --new-pin-file "$work/pin"
    expect_exit 0 "$ingam" pin unblock --puk-file "$work/puk" --new-pin-file "$work/pin"
    # what an interrupted run left: the PUK is the new one already
    expect_exit 0 "$ingam" token init "$@" --admin-key-file "$work/admin"
    expect_exit 0 "$ingam" key list
    grep -q 9a "$work/out" || fail 'a key was lost'
done
ok 'YubiKeys: PIN, PUK and management key are new, keys stay'

INGAM_SIM=
start_sim plain --profile piv --blank
p11 -L 2>/dev/null | grep 'serial num' >"$work/before" || true
expect_exit 0 "$ingam" token init "$@" --default-admin
expect_exit 0 "$ingam" pin change --pin-file "$work/pin" --new-pin-file "$work/pin"
p11 -L 2>/dev/null | grep 'serial num' >"$work/after" || true
! cmp -s "$work/before" "$work/after" || fail 'the blank card has no identity yet'
expect_exit 7 "$ingam" token init "$@" --default-admin --puk-file "$work/puk" --new-admin-key-file "$work/admin"
says 'as before'
expect_exit 0 "$ingam" token init "$@" --default-admin --puk-file "$work/puk"
ok 'a blank plain card gets an identity; a management key that it cannot change is said'

unset INGAM_SIM
softhsm_new before
INGAM_MODULE=$softhsm
export INGAM_MODULE
printf '12345678\n' >"$work/so"
expect_exit 2 "$ingam" token init --token before --admin-key-file "$work/so" --new-pin-file "$work/pin"
expect_exit 2 "$ingam" token init --token before --admin-key-file "$work/so" --new-pin-file "$work/pin" --label mine
expect_exit 0 "$ingam" token init --token before --admin-key-file "$work/so" --new-pin-file "$work/pin" --label mine --yes
pkcs11-tool --module "$softhsm" --token-label mine --login --pin 123456 -O >"$work/said" 2>&1 || fail "$(cat "$work/said")"
expect_exit 7 "$ingam" token label --token mine other
ok 'another PKCS#11 token is emptied and gets label and PIN'
stack_done
