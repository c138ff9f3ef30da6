#!/bin/sh
# pkcs11-tool logs in without knowing a PIN: it sees the token's flag, and a pinentry is asked instead.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
token_start
export INGAM_PIN_ENTRY="pinentry:$SOURCE/tests/e2e/pinentry_double.sh" DOUBLE_HEARD="$work/heard" DOUBLE_ANSWER="$pin"
printf 'a text to be signed\n' >"$work/text"

says 'PIN pad present' p11 -L
does p11 --login --sign --id 01 -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig"
judge dgst -sha256 -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
grep -q '^GETPIN$' "$work/heard" || fail "pinentry was not asked"
grep -q "^SETDESC Token: .*Serial number: $(token_serial).*Tries left: 3" "$work/heard" ||
    fail "asked with these words: $(cat "$work/heard")"
ok 'a signature with a PIN that only pinentry was told'

does p11 --login --pin "$pin" --sign --id 01 -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig"
ok 'a PIN that the program gives is taken as well'
export DOUBLE_ANSWER=cancel
refuses CKR_FUNCTION_CANCELED p11 --login -O
export DOUBLE_ANSWER=garbage
refuses CKR_FUNCTION_FAILED p11 --login -O
export DOUBLE_ANSWER=hang INGAM_PIN_ENTRY_SECONDS=1
refuses CKR_FUNCTION_FAILED p11 --login -O
unset INGAM_PIN_ENTRY_SECONDS
export DOUBLE_ANSWER=999999
refuses CKR_PIN_INCORRECT p11 --login -O
ok 'cancelled, garbled, silent and wrong answers end with their own errors'
says 'user PIN count low' p11 -L
export DOUBLE_ANSWER="$pin"
does p11 --login -O
ok 'and the right one works afterwards'
session_done
