#!/bin/sh
# CMP with foreign peers: OpenSSL's own client gets a certificate from our desk, and our client works with a server
# that is not ours.
. "$SOURCE/tests/lib/stack.sh"

start_desk
entitle 'Client' '/C=KR/O=Ingam/CN=Client' "$work/code"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/client.key"
openssl cmp -cmd ir -server "$url" -ref "$reference" -secret "file:$work/code" -recipient '/CN=Test CA' \
    -newkey "$work/client.key" -subject '/C=KR/O=Ingam/CN=Client' -certout "$work/client.pem" >"$work/cmp.err" 2>&1 ||
    fail "openssl cmp gets nothing: $(cat "$work/cmp.err")"
openssl verify -CAfile "$work/desk/ca.crt" "$work/client.pem" >/dev/null
ok "openssl cmp -cmd ir gets a certificate from ingam-issuer"

# A server that is not ours answers with a prepared certificate.
# On this kind of card the public key of a slot can be read without a certificate.
start_sim token --profile yubikey-5.4
printf '123456\n' >"$work/pin"
printf 'a-secret-of-the-server\n' >"$work/secret"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
    -subj '/CN=Foreign CA' -days 30 2>/dev/null
p11 --login --login-type so --so-pin 010203040506070801020304050607080102030405060708 --keypairgen \
    --key-type EC:prime256v1 --id 01 >/dev/null 2>"$work/keygen.err" || fail "$(cat "$work/keygen.err")"
p11 --read-object --type pubkey --id 01 --output-file "$work/token-key.der" 2>/dev/null
[ -s "$work/token-key.der" ] || fail 'the public key of a key without certificate is not to be read'
openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -outform DER -out "$work/other-key.der"

# prepared NAME: a certificate of the foreign CA for that public key
prepared() {
    openssl req -new -key "$work/ca.key" -subj '/C=KR/O=Ingam/CN=Foreign' -out "$work/$1.csr"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 10 \
        -force_pubkey "$work/$1.der" -out "$work/$1.pem" 2>/dev/null
}
prepared token-key
prepared other-key

# serve_prepared NAME: openssl's own CMP server, with that certificate for everybody, on a free port
serve_prepared() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$(shuf -i 20000-32000 -n 1)
        openssl cmp -port "$port" -srv_ref 1234 -srv_secret "file:$work/secret" -rsp_cert "$work/$1.pem" \
            -srv_trusted "$work/ca.pem" -rsp_capubs "$work/ca.pem" >"$work/mock.err" 2>&1 &
        mock=$!
        stack_pids="$mock $stack_pids"
        while kill -0 "$mock" 2>/dev/null; do
            if grep -q 'ACCEPT' "$work/mock.err"; then
                return 0
            fi
        done
    done
    fail "openssl cmp -port does not start: $(cat "$work/mock.err")"
}

serve_prepared other-key
expect_exit 9 "$ingam" issue --slot 9a --existing-key --issuer "http://127.0.0.1:$port/pkix/" --reference 1234 \
    --code-file "$work/secret" --ca "$work/ca.pem" --pin-file "$work/pin" --default-admin
p11 -O --type cert 2>/dev/null | grep -q 'Certificate Object' && fail 'a certificate for another key was written'
ok "a foreign server's certificate for another key is refused (9), nothing is written"
kill "$mock" 2>/dev/null || true
wait "$mock" 2>/dev/null || true

serve_prepared token-key
expect_exit 0 "$ingam" issue --slot 9a --existing-key --issuer "http://127.0.0.1:$port/pkix/" --reference 1234 \
    --code-file "$work/secret" --ca "$work/ca.pem" --pin-file "$work/pin" --default-admin
p11 --read-object --type cert --id 01 --output-file "$work/written.der" 2>/dev/null
openssl x509 -in "$work/token-key.pem" -outform DER | cmp - "$work/written.der" || fail 'another certificate was written'
ok "a foreign server's certificate for the token's key is accepted and written"
stack_done
