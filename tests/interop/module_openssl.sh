#!/bin/sh
# OpenSSL's programs use the module through libp11's engine: digests, requests, certificates, CMS, both ends of TLS.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
. "$SOURCE/tests/interop/tls.sh"
token_start
tls_peer
cat >"$work/engine.cnf" <<END
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
[req]
distinguished_name = name
[name]
END
engine() {
    does env OPENSSL_CONF="$work/engine.cnf" openssl "$@"
}
key() {
    printf 'pkcs11:id=%%%s;type=private;pin-value=%s' "$(id_of "$1")" "$pin"
}
printf 'a text to be signed\n' >"$work/text"

for name in auth card; do
    for hash in sha1 sha256 sha384 sha512; do
        engine dgst -engine pkcs11 -keyform engine "-$hash" -sign "$(key "$name")" -out "$work/sig" "$work/text"
        judge dgst "-$hash" -verify "$work/$name.pub" -signature "$work/sig" "$work/text"
    done
done
ok 'dgst: signatures with RSA and P-256, four hashes'
engine dgst -engine pkcs11 -keyform engine -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
    -sign "$(key auth)" -out "$work/sig" "$work/text"
judge dgst -sha256 -sigopt rsa_padding_mode:pss -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
ok 'dgst: RSA PSS'
for padding in pkcs1 oaep; do
    printf 'a secret' >"$work/secret"
    judge pkeyutl -encrypt -pubin -inkey "$work/decrypt.pub" -pkeyopt "rsa_padding_mode:$padding" -in "$work/secret" \
        -out "$work/sealed"
    engine pkeyutl -engine pkcs11 -keyform engine -decrypt -inkey "$(key decrypt)" \
        -pkeyopt "rsa_padding_mode:$padding" -in "$work/sealed" -out "$work/opened"
    same "$work/opened" "$work/secret"
done
ok 'pkeyutl: decryption, PKCS#1 v1.5 and OAEP'

for name in auth card; do
    engine req -new -engine pkcs11 -keyform engine -key "$(key "$name")" -subj "/CN=$name" -out "$work/$name.csr"
    judge req -in "$work/$name.csr" -verify -noout -pubkey -out "$work/of-request"
    grep -v '^Cert' "$work/of-request" >"$work/of-request.pub"
    same "$work/of-request.pub" "$work/$name.pub"
done
ok 'req: requests with the key in the token'
engine req -new -x509 -engine pkcs11 -keyform engine -key "$(key auth)" -subj /CN=self -out "$work/self.pem" -days 2
judge verify -CAfile "$work/self.pem" "$work/self.pem"
engine x509 -req -engine pkcs11 -in "$work/card.csr" -CA "$work/self.pem" -CAkeyform engine -CAkey "$(key auth)" \
    -set_serial 7 -days 2 -out "$work/issued.pem"
judge verify -CAfile "$work/self.pem" "$work/issued.pem"
ok 'req -x509, x509: certificates made with the key'

for name in auth card; do
    engine cms -sign -engine pkcs11 -keyform engine -signer "$work/$name.pem" -inkey "$(key "$name")" \
        -binary -in "$work/text" -outform DER -nodetach -out "$work/text.cms"
    judge cms -verify -inform DER -in "$work/text.cms" -CAfile "$work/ca.pem" -purpose any -binary -out "$work/verified"
    same "$work/verified" "$work/text"
done
ok 'cms: signatures that verify'
judge cms -encrypt -binary -aes256 -in "$work/text" -outform DER -out "$work/text.env" "$work/decrypt.pem"
engine cms -decrypt -engine pkcs11 -keyform engine -inkey "$(key decrypt)" -recip "$work/decrypt.pem" -inform DER \
    -in "$work/text.env" -binary -out "$work/opened"
same "$work/opened" "$work/text"
ok 'cms: decryption, RSA'

for version in tls1_2 tls1_3; do
    for name in auth card; do
        tls_judge "$version"
        OPENSSL_CONF="$work/engine.cnf" tls_asks openssl s_client -engine pkcs11 -connect "127.0.0.1:$port" \
            -CAfile "$work/ca.pem" -verify_return_error -cert "$work/$name.pem" -keyform engine -key "$(key "$name")" -ign_eof
        quit tls_server
    done
done
ok 's_client authenticates with RSA and P-256, 1.2 and 1.3'
for name in auth card; do
    serve tls_server '^ACCEPT' env OPENSSL_CONF="$work/engine.cnf" openssl s_server -engine pkcs11 \
        -accept 127.0.0.1:0 -www -cert "$work/$name.pem" -keyform engine -key "$(key "$name")" ||
        fail "s_server: $(cat "$work/tls_server.log")"
    port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' "$work/tls_server.log" | head -n 1)
    tls_visits tls1_2 "$port"
    tls_visits tls1_3 "$port"
    quit tls_server
done
ok 's_server holds its key in the token: RSA and P-256, 1.2 and 1.3'
session_done
