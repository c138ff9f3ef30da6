#!/bin/sh
# GnuTLS's programs use the module: p11tool lists and signs, certtool makes requests and certificates, and both ends of
# TLS connections hold their key in the token.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
. "$SOURCE/tests/interop/tls.sh"
token_start
tls_peer
export GNUTLS_PIN="$pin"
url() {
    printf 'pkcs11:id=%%%s;type=%s' "$(id_of "$1")" "$2"
}

says "Label: $(token_name)" p11tool --provider "$module" --list-tokens
ok 'p11tool lists the token'
does p11tool --provider "$module" --list-all-certs 'pkcs11:'
[ "$(grep -c 'Type: X.509' "$work/said")" -eq "$keys" ] || fail "not $keys certificates: $(cat "$work/said")"
does p11tool --provider "$module" --login --batch --list-privkeys 'pkcs11:'
[ "$(grep -c 'Type: Private key' "$work/said")" -eq "$keys" ] || fail "not $keys keys: $(cat "$work/said")"
does p11tool --provider "$module" --list-mechanisms "pkcs11:serial=$(token_serial)"
ok 'p11tool lists certificates, private keys and mechanisms'
for name in $names; do
    does p11tool --provider "$module" --export "$(url "$name" cert)" --outfile "$work/exported.pem"
    judge x509 -in "$work/exported.pem" -out "$work/exported.norm"
    same "$work/exported.norm" "$work/$name.pem"
done
ok 'p11tool exports each certificate as it was written'
for name in auth sign card; do
    says 'ok' p11tool --provider "$module" --login --batch --test-sign "$(url "$name" private)"
done
ok 'p11tool --test-sign: RSA, P-256 with a PIN each time, P-256 without one'
does p11tool --provider "$module" --generate-random 64 --outfile "$work/random" 'pkcs11:'
ok 'p11tool takes random bytes from it'

printf 'cn = "%s"\norganization = "Interop"\nsigning_key\ntls_www_client\nexpiration_days = 20\n' request >"$work/template"
for name in auth sign; do
    does certtool --provider "$module" --generate-request --load-privkey "$(url "$name" private)" \
        --load-pubkey "$(url "$name" public)" --template "$work/template" --outfile "$work/$name.csr"
    judge req -in "$work/$name.csr" -verify -noout
    says 'OK|verified|Verified' certtool --verify --load-ca-certificate "$work/ca.pem" --infile "$work/$name.pem"
done
ok 'certtool makes requests that OpenSSL verifies'
does certtool --provider "$module" --generate-self-signed --load-privkey "$(url auth private)" \
    --load-pubkey "$(url auth public)" --template "$work/template" --outfile "$work/self.pem"
judge verify -CAfile "$work/self.pem" "$work/self.pem"
ok 'certtool makes a certificate with the key'
printf 'a text\n' >"$work/text"
does certtool --provider "$module" --p7-detached-sign --load-privkey "$(url auth private)" \
    --load-certificate "$work/auth.pem" --infile "$work/text" --outfile "$work/text.p7"
judge cms -verify -binary -inform PEM -in "$work/text.p7" -content "$work/text" -CAfile "$work/ca.pem" \
    -certfile "$work/auth.pem" -purpose any -out "$work/verified"
ok 'certtool signs a PKCS#7 message that OpenSSL verifies'

for version in tls1_2 tls1_3; do
    for name in auth sign card; do
        tls_judge "$version"
        tls_asks gnutls-cli --provider "$module" --x509cafile "$work/ca.pem" --verify-hostname localhost \
            --x509certfile "$(url "$name" cert)" --x509keyfile "$(url "$name" private)" -p "$port" 127.0.0.1
        quit tls_server
    done
    ok "gnutls-cli authenticates with RSA and P-256, $version"
done
for name in auth card; do
    serve_on_port gnutls_server 'listening on IPv4.*done' gnutls-serv --http --provider "$module" \
        --disable-client-cert --x509certfile "$(url "$name" cert)" --x509keyfile "$(url "$name" private)" -p PORT
    tls_visits tls1_2 "$port"
    tls_visits tls1_3 "$port"
    quit gnutls_server
done
ok 'gnutls-serv holds its key in the token: RSA and P-256, 1.2 and 1.3'
session_done
