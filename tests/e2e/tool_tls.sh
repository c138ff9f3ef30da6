#!/bin/sh
# https to the desk: a certificate of a trusted CA for its host, or nothing is sent.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
printf '123456\n' >"$work/pin"

# tls_certificate NAME SUBJECT-ALTERNATIVE-NAME DAYS: by the CA in $work/ca.pem.
tls_certificate() {
    openssl req -new -key "$work/other.key" -subj "/CN=$1" -out "$work/tls.csr" 2>/dev/null
    printf 'subjectAltName=%s\n' "$2" >"$work/tls.ext"
    openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days "$3" -set_serial 99 \
        -extfile "$work/tls.ext" -out "$work/$1.pem" 2>/dev/null
}
foreign_ca
tls_certificate right IP:127.0.0.1,DNS:localhost 3
tls_certificate elsewhere DNS:elsewhere.example 3
tls_certificate old IP:127.0.0.1 -1

start_sim token --serial 4242
"$issuer" init --dir "$work/desk" --name 'Test CA' >/dev/null
start desk "$issuer" serve --dir "$work/desk" --listen 127.0.0.1:0
port=$(printf '%s\n' "${desk_ready#ready }" | sed 's|.*:\([0-9]*\)/.*|\1|')
for kind in right elsewhere old; do
    start "tls_$kind" "$BUILD/tests/e2e/tool_tls" "$work/$kind.pem" "$work/other.key" "$port"
    eval "$kind=\${tls_${kind}_ready#ready }"
done
reference=$("$issuer" authorize --dir "$work/desk" --name '홍길동' --subject '/C=KR/CN=홍길동' --code-file "$work/code" |
    sed -n 's/^reference //p')
set -- "$ingam" issue 9a --key-type p256 --reference "$reference" --code-file "$work/code" --pin-file "$work/pin" \
    --default-admin

# refused TEXT [OPTION...]: exit 9, the reason said, nothing reached the desk.
refused() {
    says "$1"
    says 'tls-ca'
    says 'Nothing on the token was changed'
    ! grep -q "reference=$reference" "$work/desk.err" || fail "the desk was spoken to: $(cat "$work/desk.err")"
}
expect_exit 9 "$@" --issuer "https://127.0.0.1:$right/cmp"
refused 'local issuer certificate'
ok 'a desk of an unknown CA: exit 9'
expect_exit 9 "$@" --issuer "https://127.0.0.1:$elsewhere/cmp" --tls-ca "$work/ca.pem"
refused 'mismatch'
ok 'a certificate for another host: exit 9'
expect_exit 9 "$@" --issuer "https://127.0.0.1:$old/cmp" --tls-ca "$work/ca.pem"
refused 'expired'
ok 'an expired certificate: exit 9'
expect_exit 13 "$@" --issuer "https://127.0.0.1:$port/cmp" --tls-ca "$work/ca.pem"
expect_exit 2 "$@" --issuer "http://127.0.0.1:$port/cmp" --tls-ca "$work/ca.pem"
expect_exit 2 "$@" --issuer "https://127.0.0.1:$right/cmp" --tls-ca "$work/pin"
ok 'https to a desk without it: exit 13; --tls-ca without https, or with no certificate: exit 2'
expect_exit 0 "$@" --issuer "https://localhost:$right/cmp" --tls-ca "$work/ca.pem"
p11 --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
openssl verify -CAfile "$work/desk/ca.crt" "$work/back.der" >/dev/null || fail 'the certificate does not verify'
ok 'issued over https, the host told by its name'

# What follows knows the desk and its CA from the first time.
expect_exit 0 "$ingam" status 9a
expect_exit 9 "$ingam" revoke 9a --yes --pin-file "$work/pin" --issuer "https://127.0.0.1:$elsewhere/cmp" --ca "$work/desk/ca.crt" \
    --tls-ca "$work/ca.pem"
says 'mismatch'
expect_exit 9 "$ingam" revoke 9a --yes --pin-file "$work/pin" --tls-ca "$work/desk/ca.crt"
! grep -q 'body=rr' "$work/desk.err" || fail "the desk was spoken to: $(cat "$work/desk.err")"
expect_exit 14 "$ingam" renew 9a --to 9c --pin-file "$work/pin" --default-admin
says 'too early'
expect_exit 0 "$ingam" revoke 9a --yes --pin-file "$work/pin"
expect_exit 9 "$ingam" status 9a --json
[ "$(jq -r '.certificates[0].state + " " + .certificates[0].source' "$work/out")" = 'revoked ocsp' ] || fail "$(cat "$work/out")"
ok 'status, renewal and revocation over https, too, and not at a desk with a wrong certificate'
stack_done
