#!/bin/sh
# A reader with a keypad: the PIN is typed there, for the login and again for each use of a key, and no program ever has
# it; nothing that the person does costs a try that wasn't theirs.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
names="auth sign"
token_start
export KEYPAD_TYPED="$work/typed" KEYPAD_HEARD="$work/heard" KEYPAD_FEATURES='verify modify' INGAM_LOG="$work/trace"
XDG_RUNTIME_DIR=$(mktemp -d "$work/run.XXXX") && export XDG_RUNTIME_DIR
printf 'a text to be signed\n' >"$work/text"
: >"$work/heard"

# types WORD...: what the person will do; at_pad COMMAND...: with the keypad in the reader.
types() {
    printf '%s\n' "$@" >"$work/typed"
    : >"$work/heard"
}
at_pad() {
    LD_PRELOAD="$BUILD/tests/interop/libkeypad_reader.so" timeout 60 pkcs11-tool --module "$module" "$@"
}
# asked N WHAT: the reader asked so often, and nothing that was typed is left over.
asked() {
    [ "$(grep -c "^$2\$" "$work/heard")" -eq "$1" ] || fail "not asked $1 times for $2: $(cat "$work/heard")"
    [ ! -s "$work/typed" ] || fail "left over: $(cat "$work/typed")"
}
sign() {
    at_pad --login --sign --id 01 -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig" >"$work/said" 2>&1
}
signed() {
    judge dgst -sha256 -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
}
not_signed() {
    rm -f "$work/sig"
    ! sign || fail "signed: $(cat "$work/heard")"
    said "$1" sign
}
tries_left_full() {
    at_pad -L >"$work/said" 2>&1
    not_said 'PIN count low'
}

at_pad -L >"$work/said" 2>&1
said 'PIN pad present' -L
says 'login required' p11 -L
not_said 'PIN pad'
INGAM_PIN_PAD=no at_pad -L >"$work/said" 2>&1
not_said 'PIN pad'
ok 'the flag is there with the keypad alone, and not when the setting says no'

types 123456 123456
sign || fail "$(cat "$work/said")"
signed
asked 2 VERIFY
types 123456
INGAM_PIN_SHARED=yes sign || fail "$(cat "$work/said")"
signed
asked 1 VERIFY
ok 'asked at the login and for the signature; with shared PINs once'

types 123456 123456 123456
at_pad --login --sign --id 02 -m ECDSA-SHA256 -i "$work/text" -o "$work/sig" --signature-format openssl >"$work/said" 2>&1 ||
    fail "$(cat "$work/said")"
judge dgst -sha256 -verify "$work/sign.pub" -signature "$work/sig" "$work/text"
grep -c . "$work/heard" | grep -qx 2 || fail "asked: $(cat "$work/heard")"
ok 'a key that wants the PIN each time: the login, and once for its operation'

types cancel
not_signed CKR_FUNCTION_CANCELED
asked 1 VERIFY
types nothing
not_signed CKR_FUNCTION_CANCELED
types 1234
not_signed CKR_PIN_LEN_RANGE
types 123456 cancel cancel # pkcs11-tool tries once more, in parts
not_signed CKR_FUNCTION_CANCELED
asked 3 VERIFY
types 123456 1234 1234
not_signed CKR_FUNCTION_CANCELED
tries_left_full
ok 'cancelled, left alone or too short, at the login and at the key: its own error, and no try is gone'

types 111111
not_signed CKR_PIN_INCORRECT
at_pad -L >"$work/said" 2>&1
said 'PIN count low' -L
types 123456 222222 cancel
not_signed CKR_FUNCTION_CANCELED
at_pad -L >"$work/said" 2>&1
said 'PIN count low' -L
types 123456 222222 123456
sign || fail "$(cat "$work/said")"
signed
asked 3 VERIFY
tries_left_full
ok 'a wrong one costs one try, at the login and at the key, which may ask again'

types
: >"$work/typed"
p11 --login --pin "$pin" --sign --id 01 -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig" >"$work/said" 2>&1
signed
asked 0 VERIFY
ok 'a PIN that a program gives is not sent through the keypad'

types 123456 654321 654321
at_pad --change-pin >"$work/said" 2>&1 || fail "$(cat "$work/said")"
asked 1 MODIFY
types 654321 654321
sign || fail "$(cat "$work/said")"
signed
types 654321 123456 1234567
! at_pad --change-pin >"$work/said" 2>&1 || fail 'new PINs that differ were taken'
said CKR_PIN_INVALID --change-pin
types 111111 123456 123456
! at_pad --change-pin >"$work/said" 2>&1 || fail 'a wrong old PIN was taken'
said CKR_PIN_INCORRECT --change-pin
types 654321 123456 123456
at_pad --change-pin >"$work/said" 2>&1 || fail "$(cat "$work/said")"
types 123456 123456 123456
! KEYPAD_FEATURES=verify at_pad --change-pin >"$work/said" 2>&1 || fail 'changed by a reader that can not'
said CKR_FUNCTION_NOT_SUPPORTED --change-pin
tries_left_full
ok 'the PIN is changed at the reader; by a reader that can'

! grep -Eq '123456|654321|111111|222222' "$work/trace" || fail "a PIN is in the trace"
grep -q 'the reader asks for the PIN' "$work/trace" || fail "the trace doesn't say what was waited for"
ok 'the trace tells of it, without PINs'
session_done
