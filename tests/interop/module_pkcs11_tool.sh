#!/bin/sh
# OpenSC's pkcs11-tool drives the module: its own tests, and signatures, decryption and key agreement judged by OpenSSL.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
token_start
printf 'a text to be signed\n' >"$work/text"

says 'token label' p11 -L
ok "-L: $(token_name)"
says 'RSA-PKCS' p11 -M
says 'ECDSA' p11 -M
ok "-M: $(p11 -M | grep -c 'keySize\|hw,\|, ') mechanisms"
says 'Certificate Object' p11 -O
does p11 --login --pin "$pin" -O
[ "$(grep -c '^Private Key Object' "$work/said")" -eq "$keys" ] || fail "not $keys private keys: $(cat "$work/said")"
[ "$(grep -c '^Certificate Object' "$work/said")" -eq "$keys" ] || fail "not $keys certificates: $(cat "$work/said")"
[ "$(grep -c '^Public Key Object' "$work/said")" -eq "$keys" ] || fail "not $keys public keys: $(cat "$work/said")"
ok "-O: $keys certificates, public and private keys"

for name in $names; do
    does p11 --read-object --type cert --id "$(id_of "$name")" -o "$work/read.der"
    judge x509 -in "$work/$name.pem" -outform DER -out "$work/want.der"
    same "$work/read.der" "$work/want.der"
    does p11 --read-object --type pubkey --id "$(id_of "$name")" -o "$work/read.pub"
    judge pkey -pubin -inform DER -in "$work/read.pub" -pubout -out "$work/read.pem"
    same "$work/read.pem" "$work/$name.pub"
done
ok 'certificates and public keys are read as they were written'

for hash in SHA1 SHA224 SHA256 SHA384 SHA512; do
    does p11 --login --pin "$pin" --sign --id 01 -m "$hash-RSA-PKCS" -i "$work/text" -o "$work/sig"
    judge dgst "-$hash" -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
done
ok 'RSA PKCS#1 v1.5 signatures with five hashes'
for hash in SHA256 SHA384 SHA512; do
    does p11 --login --pin "$pin" --sign --id 01 -m "$hash-RSA-PKCS-PSS" -i "$work/text" \
        -o "$work/sig"
    judge dgst "-$hash" -sigopt rsa_padding_mode:pss -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
done
ok 'RSA PSS signatures with three hashes'

judge dgst -sha256 -binary -out "$work/digest" "$work/text"
for name in sign card; do
    does p11 --login --pin "$pin" --sign --id "$(id_of "$name")" -m ECDSA --signature-format openssl -i "$work/digest" \
        -o "$work/sig"
    judge pkeyutl -verify -pubin -inkey "$work/$name.pub" -sigfile "$work/sig" -in "$work/digest"
done
ok 'ECDSA signatures, with a PIN at each use and without one'

printf 'a secret of 30 bytes or fewer\n' >"$work/secret"
judge pkeyutl -encrypt -pubin -inkey "$work/decrypt.pub" -in "$work/secret" -out "$work/sealed"
does p11 --login --pin "$pin" --decrypt --id 03 -m RSA-PKCS -i "$work/sealed" -o "$work/opened"
same "$work/opened" "$work/secret"
ok 'RSA PKCS#1 v1.5 decryption'
if [ "$judged" != softhsm ]; then
    for hash in sha1 sha256; do
        judge pkeyutl -encrypt -pubin -inkey "$work/decrypt.pub" -pkeyopt rsa_padding_mode:oaep \
            -pkeyopt "rsa_oaep_md:$hash" -in "$work/secret" -out "$work/sealed"
        does p11 --login --pin "$pin" --decrypt --id 03 -m RSA-PKCS-OAEP \
            --hash-algorithm "$(echo "$hash" | sed 's/sha1$/sha-1/' | tr '[:lower:]' '[:upper:]')" -i "$work/sealed" -o "$work/opened"
        same "$work/opened" "$work/secret"
    done
    ok 'RSA OAEP decryption with two hashes'
fi

if [ -f "$work/agree.pub" ]; then
    judge genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/peer.key"
    judge pkey -in "$work/peer.key" -pubout -outform DER -out "$work/peer.der"
    judge pkeyutl -derive -inkey "$work/peer.key" -peerkey "$work/agree.pub" -out "$work/want"
    does p11 --login --pin "$pin" --derive --id 05 -m ECDH1-DERIVE -i "$work/peer.der" -o "$work/agreed"
    same "$work/agreed" "$work/want"
    ok 'ECDH key agreement'
fi

# --test ends with 0 whatever it found.
if [ "$judged" != softhsm ]; then
    says 'No errors' p11 --login --pin "$pin" --test
    not_said 'not implemented|ERR|error:'
    ok "--test: $(grep -c ': OK' "$work/said") results, $(tail -n 1 "$work/said")"
fi
# SoftHSM 2.6 crashes here.
if [ "$judged" != softhsm ]; then
    # The main thread has work of its own meanwhile: when it is done before the others, the tool sleeps for 30 seconds.
    for round in 1 2 3 4 5; do
        says 'all threads have ended with CKR_OK' p11 --test-threads ILGISLT0 --test-threads ILGISLT0 \
            --test-threads INGISLT0 --test-threads ILSLGIT0 --login --pin "$pin" --test
        said 'No errors' "round $round"
        [ "$(grep -c 'returning rv = 0' "$work/said")" -eq 4 ] ||
            fail "round $round: not four threads ended well: $(cat "$work/said")"
    done
    ok '--test-threads: concurrent C_Initialize, slot lists and token information beside --test'
    says 'child' p11 --test-fork
    ok '--test-fork: C_Initialize in the child'
fi
does p11 --generate-random 1 -o "$work/random"
does p11 --generate-random 4096 -o "$work/random"
[ "$(wc -c <"$work/random")" -eq 4096 ] || fail '4096 random bytes were asked for'
ok 'random bytes'
session_done
