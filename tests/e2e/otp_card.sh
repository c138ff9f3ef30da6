#!/bin/sh
# The issuer's and the holder's commands for a card whose keys want codes. opensc-tool sends the commands of
# docs/otp-card.md that show what they did, oathtool is the generator.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
tty="$BUILD/tests/e2e/tool_on_tty"
start_pcscd 'Virtual PCD'
start_card token "${vpcd_ports%% *}" --profile otp-card
hex=3132333435363738393031323334353637383930
printf '12345678901234567890' | base32 >"$work/secret"
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/wrong"
printf 'FF02030405060708010203040506070801020304050607FF\n' >"$work/other"
otp() {
    wanted=$1
    shift
    expect_exit "$wanted" "$ingam" otp "$@"
}
# answers HEX...: the status words of these commands after SELECT of PIV.
answers() {
    session='-s 00:A4:04:00:05:A0:00:00:03:08'
    for apdu; do
        session="$session -s $(printf '%s' "$apdu" | sed 's/../&:/g; s/:$//')"
    done
    # shellcheck disable=SC2086
    opensc-tool -r 0 -c default $session 2>/dev/null | sed -n 's/^Received.*SW1=0x\(..\), SW2=0x\(..\).*/\1\2/p' | sed 1d | tr '\n' ' '
}
code() {
    oathtool --hotp -c "$1" "$hex" | tr -d '\n'
}
code_apdu() {
    printf '0020009F06%s' "$(code "$1" | od -An -tx1 | tr -d ' \n')"
}
pin_apdu=0020008008313233343536FFFF
is() {
    [ "$1" = "$2 " ] || fail "the card answered $1, not $2"
}

otp 0 gate
grep -q 'no secret for codes' "$work/out" || fail "$(cat "$work/out")"
otp 8 gate 9c always --default-admin
says 'otp secret set'
otp 2 gate 9z always --default-admin
otp 2 gate 9c sometimes --default-admin
otp 6 gate 9c always
otp 8 unblock --default-admin
otp 6 secret set --secret-file "$work/secret" --admin-key-file "$work/other"
says 'not accepted'
printf 'GEZDGNBVGY3TQOJQ\n' >"$work/short"
otp 2 secret set --secret-file "$work/short" --default-admin
otp 0 secret set --secret-file "$work/secret" --default-admin
is "$(answers 0020009F "$pin_apdu" "$(code_apdu 0)" "$(code_apdu 0)")" '63C5 9000 9000 63C4'
otp 0 gate 9a once --default-admin
otp 0 gate sign always --default-admin --json
jq -e '.code_tries == 4 and .code_tries_total == 5 and .gates == [{"slot":"9a","gate":"once"},{"slot":"9c","gate":"always"}]' \
    "$work/out" >/dev/null || fail "$(cat "$work/out")"
ok 'secret and gates are put on the card by its issuer, and by nobody else'

expect_exit 0 "$ingam" key generate 9c --key-type p256 --default-admin
sign=0087119C267C2482008120$(printf '%064d' 0)00
is "$(answers "$pin_apdu" "$sign" "$pin_apdu" "$(code_apdu 1)" "$sign" "$sign")" '9000 6985 9000 9000 9000 6982'
otp 0 gate 9c none --default-admin
is "$(answers "$pin_apdu" "$sign")" '9000 9000'
ok 'a key wants a code as its gate says'

expect_exit 0 "$ingam" token info
grep -q 'code tries left: 5 of 5' "$work/out" || fail "$(cat "$work/out")"
answers "$pin_apdu" 0020009F06303030303030 0020009F06303030303030 0020009F06303030303030 0020009F06303030303030 0020009F06303030303030 >/dev/null
expect_exit 0 "$ingam" token info --json
[ "$(jq .token.code_tries "$work/out")" = 0 ] || fail "$(cat "$work/out")"
printf '%s %s\n' "$(code 5)" "$(code 6)" >"$work/codes"
otp 5 resync --pin-file "$work/pin" --codes-file "$work/codes"
says 'ingam otp unblock'
otp 6 unblock --admin-key-file "$work/other"
otp 0 unblock --default-admin
is "$(answers 0020009F "$pin_apdu" "$(code_apdu 2)")" '63C5 9000 9000'
ok 'the tries are shown, and given again by the issuer alone'

# The generator is far ahead.
is "$(answers "$pin_apdu" "$(code_apdu 60)")" '9000 63C4'
otp 4 resync --pin-file "$work/wrong" --codes-file "$work/codes"
says 'PIN'
otp 2 resync --pin-file "$work/pin" --codes-file "$work/pin"
printf '%s %s\n' "$(code 60)" "$(code 62)" >"$work/codes"
otp 4 resync --pin-file "$work/pin" --codes-file "$work/codes"
says 'Tries left: 3'
expect_exit 0 "$tty" 123456 "$(code 60)" "$(code 61)" -- "$ingam" otp resync
is "$(answers 00200080)" 63C3
! grep -q "$(code 60)" "$work/out" || fail 'a code was shown'
is "$(answers "$pin_apdu" "$(code_apdu 60)" "$(code_apdu 62)")" '9000 63C4 9000'
ok 'two codes in a row bring card and generator together; the PIN is not left verified'

otp 2 secret set --secret-file "$work/secret" --default-admin
says 'add --yes'
otp 9 secret remove --default-admin --yes
otp 0 gate 9a none --default-admin
serial=$("$ingam" token list --json | jq -r ".tokens[0].serial")
expect_exit 0 "$tty" "$serial" -- "$ingam" otp secret set --generate --qr --digits 8 --tries 3 --default-admin
cp "$work/out" "$work/screen"
python3 "$SOURCE/tests/e2e/otp_screen.py" "$work/screen" "$work/code.png"
otp 0 gate --json
jq -e '.code_digits == 8 and .code_tries_total == 3 and .gates == []' "$work/out" >/dev/null || fail "$(cat "$work/out")"
start_sim phone --profile yubikey-5.4
otp 0 add --picture-file "$work/code.png"
otp 7 gate
says 'no OTP-backed card'
answer=$("$ingam" otp code Ingam 2>/dev/null)
unset INGAM_SIM
is "$(opensc-tool -r 0 -c default -s 00:A4:04:00:05:A0:00:00:03:08 -s "$(printf '%s' "$pin_apdu" | sed 's/../&:/g; s/:$//')" \
    -s "00:20:00:9F:08:$(printf '%s' "$answer" | od -An -tx1 | sed 's/^ //; s/ /:/g')" 2>/dev/null |
    sed -n 's/^Received.*SW1=0x\(..\), SW2=0x\(..\).*/\1\2/p' | sed 1d | tr '\n' ' ')" '9000 9000'
otp 0 secret remove --default-admin --yes --token "$serial"
ok 'a generated secret reaches the generator by its QR code; an ordinary card is refused with exit 7'
! grep -qi "$hex" "$work/token.log" || fail 'the secret is in the log'
stack_done
