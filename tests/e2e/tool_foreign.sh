#!/bin/sh
# ingam issue against a CMP server that is not ours (openssl cmp) and a PKCS#11 module that is not ours (SoftHSM):
# neither side can hide a mistake of the tool.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"

softhsm_new "card one"
foreign_ca
printf 'the code\n' >"$work/code"
printf 'another\n' >"$work/wrong"
pkcs11-tool --module "$softhsm" --login --pin 123456 --keypairgen --key-type EC:prime256v1 --id 01 >/dev/null 2>&1
pkcs11-tool --module "$softhsm" --login --pin 123456 --keypairgen --key-type rsa:2048 --id 02 >/dev/null 2>&1
for id in 01 02; do
    pkcs11-tool --module "$softhsm" --read-object --type pubkey --id "$id" -o "$work/$id.der" >/dev/null 2>&1
    openssl pkey -pubin -inform DER -in "$work/$id.der" -out "$work/$id.pub"
    certificate_for "$work/$id.pub" "$work/$id.pem"
done

objects() {
    pkcs11-tool --module "$softhsm" --login --pin 123456 -O 2>/dev/null | grep -v '^Using slot'
}
# shellcheck disable=SC2317 # called through expect_exit
issue() {
    "$ingam" issue "$@" --module "$softhsm" --pin-file "$work/pin" --reference 4711 --timeout 20
}
objects >"$work/before"
unchanged() {
    objects >"$work/after"
    cmp "$work/before" "$work/after" || fail "the token has changed"
}

expect_exit 13 issue 9a --issuer http://127.0.0.1:1/ --code-file "$work/code" --existing-key
says 'Connection refused'
unchanged
ok 'no server: exit 13, the token is as before'

start_foreign other 'the code' -rsp_cert "$work/other.pem" -rsp_capubs "$work/ca.pem"
expect_exit 9 issue 9a --issuer "$url" --code-file "$work/code" --existing-key
says 'for another key'
unchanged
stop other
ok 'a certificate for another key: exit 9, nothing is written'

start_foreign right 'the code' -rsp_cert "$work/01.pem" -rsp_capubs "$work/ca.pem"
expect_exit 14 issue 9a --issuer "$url" --code-file "$work/wrong" --existing-key
unchanged
ok 'a wrong code: exit 14'

expect_exit 9 issue 9a --issuer "$url" --code-file "$work/code"
says 'already holds a key'
unchanged
ok 'a key in the slot is not overwritten: exit 9'

expect_exit 9 issue 9a --issuer "$url" --code-file "$work/code" --existing-key --ca "$work/other.pem"
says 'does not stand the check'
unchanged
ok 'a certificate of another CA than --ca names: exit 9, nothing is written'

expect_exit 0 issue 9a --issuer "$url" --code-file "$work/code" --existing-key
pkcs11-tool --module "$softhsm" --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
openssl x509 -in "$work/01.pem" -outform DER | cmp - "$work/back.der" || fail 'another certificate is on the token'
ok 'the prepared certificate for the key made beforehand is accepted and written'

expect_exit 9 issue 9a --issuer "$url" --code-file "$work/code" --existing-key
says 'already holds a certificate'
ok 'a certificate in the slot is not overwritten: exit 9'
stop right

start_foreign rsa 'the code' -rsp_cert "$work/02.pem"
expect_exit 9 issue 9c --issuer "$url" --code-file "$work/code" --existing-key
says 'no CA certificate to check'
expect_exit 0 issue 9c --issuer "$url" --code-file "$work/code" --existing-key --ca "$work/ca.pem" --json
[ "$(jq -r '.schema, .slot, .subject, .serial_number' "$work/out" | tr '\n' ' ')" = '1 9c CN=홍길동,C=KR 4D ' ] ||
    fail "the answer: $(cat "$work/out")"
ok 'an RSA key; without caPubs a CA must be named; the answer in JSON'
stop rsa

leftover=$(find "$HOME" -name 'issue-*.json')
[ -z "$leftover" ] || fail "a journal is left: $leftover"
[ "$(find "$HOME" -type f -perm /077)" = '' ] || fail 'others may read what the tool keeps'
! grep -rqs 'the code\|123456' "$HOME" || fail 'a secret was kept'
ok 'no journal is left, nothing kept is readable for others or secret'

stack_done
