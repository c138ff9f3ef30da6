#!/bin/sh
# OpenSSL's CMP client renews and revokes with keys that are on a token, through the pkcs11 engine and our module.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"

engine=$(find /usr/lib -name pkcs11.so -path '*engines-3*' | head -n 1)
[ -n "$engine" ] || fail 'the pkcs11 engine is not installed'
desk_init=--test-profile
desk_serve
start_sim token --profile yubikey-5.4
admin=010203040506070801020304050607080102030405060708
for id in 01 04; do
    p11 --login --login-type so --so-pin "$admin" --keypairgen --key-type EC:prime256v1 --id "$id" >/dev/null \
        2>"$work/keygen.err" || fail "$(cat "$work/keygen.err")"
done
cat >"$work/openssl.cnf" <<CNF
openssl_conf = main
[main]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = $engine
MODULE_PATH = $module
init = 0
CNF
# key ID: the token's key as OpenSSL names it.
key() {
    printf 'pkcs11:id=%%%s;type=private;pin-value=123456' "$1"
}
# on_token OPTION...: OpenSSL's client with keys on the token.
on_token() {
    OPENSSL_CONF="$work/openssl.cnf" openssl cmp -engine pkcs11 -keyform engine -config /dev/null -server "$server" \
        -path /cmp -unprotected_errors "$@" >"$work/cmp.out" 2>&1
}

authorize token
on_token -cmd ir -ref "$reference" -secret "file:$work/code.token" -newkey "$(key 01)" -subject /CN=me \
    -certout "$work/first.pem" || fail "$(cat "$work/cmp.out")"
openssl verify -CAfile "$desk/ca.crt" "$work/first.pem" >/dev/null || fail 'the certificate'
ok 'ir: a certificate for a key on the token'
stop serve
INGAM_ISSUER_CLOCK_OFFSET=$((340 * 86400)) desk_serve
on_token -cmd kur -cert "$work/first.pem" -key "$(key 01)" -newkey "$(key 04)" \
    -trusted "$desk/ca.crt" -certout "$work/second.pem" || fail "$(cat "$work/cmp.out")"
[ "$(openssl x509 -in "$work/first.pem" -noout -pubkey)" != "$(openssl x509 -in "$work/second.pem" -noout -pubkey)" ] ||
    fail 'the same key'
status_is "$(serial_of "$work/first.pem")" revoked
ok 'kur: signed by the old key on the token, for a new one there'
on_token -cmd rr -cert "$work/second.pem" -key "$(key 04)" -oldcert "$work/second.pem" -trusted "$desk/ca.crt" -revreason 1 ||
    fail "$(cat "$work/cmp.out")"
status_is "$(serial_of "$work/second.pem")" revoked
ok 'rr: signed by the key on the token'
stop serve
stack_done
