#!/bin/sh
# A key made beforehand on a simulated token gets the certificate that OpenSSL's CMP server has prepared for it, and no
# other. The argument is the token's profile: one that shows a key without a certificate, or a plain card that doesn't.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"

profile=$1
start_sim token --profile "$profile"
foreign_ca
printf '123456\n' >"$work/pin"
printf 'the code\n' >"$work/code"
for slot in 9a 9c; do
    "$ingam" key generate "$slot" --key-type p256 --default-admin >"$work/$slot.pub" 2>"$work/err" ||
        fail "no key: $(cat "$work/err")"
    certificate_for "$work/$slot.pub" "$work/$slot.pem"
done
ok "$profile: keys made beforehand"

objects() {
    p11 -O 2>/dev/null | grep -v '^Using slot'
}
objects >"$work/before"
# shellcheck disable=SC2317 # called through expect_exit
issue() {
    "$ingam" issue "$@" --issuer "$url" --reference 4711 --code-file "$work/code" --pin-file "$work/pin" \
        --default-admin --existing-key
}
known() {
    [ "$profile" = piv ] || return 0
    printf -- '--public-key %s' "$work/$1.pub"
}

start_foreign other 'the code' -rsp_cert "$work/9c.pem" -rsp_capubs "$work/ca.pem"
# shellcheck disable=SC2046
expect_exit 9 issue 9a $(known 9a)
says 'for another key'
objects >"$work/after"
cmp "$work/before" "$work/after" || fail 'the token has changed'
stop other
ok "$profile: a certificate for another key: exit 9, nothing is written"

start_foreign right 'the code' -rsp_cert "$work/9a.pem" -rsp_capubs "$work/ca.pem"
# shellcheck disable=SC2046
expect_exit 0 issue 9a $(known 9a)
p11 --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
openssl x509 -in "$work/9a.pem" -outform DER | cmp - "$work/back.der" || fail 'another certificate is on the token'
ok "$profile: the certificate for the key is accepted and written"

if [ -n "$(known 9c)" ]; then
    expect_exit 8 issue 9c
    says 'public-key'
    expect_exit 9 issue 9c --public-key "$work/9a.pub"
    says 'not the one that was expected'
    expect_exit 9 issue 9c --public-key "$work/9c.pub"
    says 'for another key'
    "$ingam" token info --json >"$work/info" 2>/dev/null
    [ "$(jq '.slots | length' "$work/info")" -eq 1 ] || fail "a placeholder stayed: $(cat "$work/info")"
    ok "$profile: a hidden key is found only with its own public half, and nothing stays behind"
fi
stop right
stack_done
