#!/bin/sh
# ykcs11 takes the simulated YubiKey for a real one, driven by pkcs11-tool: it makes keys, writes certificates, signs,
# deciphers, agrees on keys, and changes PIN and management key.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4 --serial 12345678
make_ca
pin=$default_pin
printf 'a text to be signed\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"
# action PATTERN ARGUMENT...: as anybody; user and officer: with that login. refused: it must fail.
action() {
    wanted=$1
    shift
    says "$wanted" pkcs11-tool --module "$ykcs11_module" "$@"
}
user() {
    wanted=$1
    shift
    action "$wanted" --login --pin "$pin" "$@"
}
officer() {
    wanted=$1
    shift
    action "$wanted" --login --login-type so --so-pin "$default_admin" "$@"
}
refused() {
    wanted=$1
    shift
    refuses "$wanted" pkcs11-tool --module "$ykcs11_module" "$@"
}

action 'YubiKey PIV #12345678' -L
action 'RSA-PKCS-PSS' -M
action 'Attestation' -O
ok 'slots, mechanisms, objects'

for key in 01:rsa:2048 02:EC:prime256v1 03:EC:secp384r1 04:rsa:2048; do
    id=${key%%:*}
    officer 'Key pair generated' --keypairgen --id "$id" --key-type "${key#*:}"
    if [ "$id" = 03 ]; then
        # pkcs11-tool 0.23 can't write a P-384 key; until there is a certificate, ykcs11 shows the attestation.
        action - --read-object --type cert --id "$id" -o "$work/read"
        openssl x509 -inform DER -in "$work/read" -noout -pubkey >"$work/$id.pub"
    else
        action - --read-object --type pubkey --id "$id" -o "$work/read"
        judge pkey -pubin -inform DER -in "$work/read" -pubout -out "$work/$id.pub"
    fi
    issue "$id"
    judge x509 -in "$work/$id.pem" -outform DER -out "$work/$id.der"
    officer 'Created certificate' --write-object "$work/$id.der" --type cert --id "$id"
    action - --read-object --type cert --id "$id" -o "$work/read"
    same "$work/read" "$work/$id.der"
done
judge genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/05.key"
judge pkey -in "$work/05.key" -pubout -out "$work/05.pub"
issue 05
judge x509 -in "$work/05.pem" -outform DER -out "$work/05.crt"
# pkcs11-tool's template for a private key has an attribute that ykcs11 2.2 does not take.
says 'imported' yubico-piv-tool -r Yubico -a import-key -s 82 -i "$work/05.key"
officer 'Created certificate' --write-object "$work/05.crt" --type cert --id 05
refused 'CKR_' --keypairgen --id 06 --key-type rsa:2048 --login --pin "$pin"
user - -O
[ "$(grep -c '^Private Key Object' "$work/said")" -ge 5 ] || fail "fewer than five private keys: $(cat "$work/said")"
ok 'keys made, certificates written and read, as the officer only'

for id in 01 04; do
    for hash in SHA1 SHA256 SHA384 SHA512; do
        user - --sign --id "$id" -m "$hash-RSA-PKCS" -i "$work/text" -o "$work/sig"
        judge dgst "-$hash" -verify "$work/$id.pub" -signature "$work/sig" "$work/text"
    done
    user - --sign --id "$id" -m SHA256-RSA-PKCS-PSS -i "$work/text" -o "$work/sig"
    judge dgst -sha256 -sigopt rsa_padding_mode:pss -verify "$work/$id.pub" -signature "$work/sig" "$work/text"
done
for id in 02 03 05; do
    user - --sign --id "$id" -m ECDSA --signature-format openssl -i "$work/digest" -o "$work/sig"
    judge pkeyutl -verify -pubin -inkey "$work/$id.pub" -sigfile "$work/sig" -in "$work/digest"
    user - --sign --id "$id" -m ECDSA-SHA256 --signature-format openssl -i "$work/text" -o "$work/sig"
    judge dgst -sha256 -verify "$work/$id.pub" -signature "$work/sig" "$work/text"
done
ok 'signatures: RSA PKCS#1 v1.5 and PSS, ECDSA with P-256 and P-384'
judge pkeyutl -encrypt -pubin -inkey "$work/01.pub" -in "$work/text" -out "$work/sealed"
user - --decrypt --id 01 -m RSA-PKCS -i "$work/sealed" -o "$work/opened"
same "$work/opened" "$work/text"
judge pkeyutl -encrypt -pubin -inkey "$work/04.pub" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 \
    -in "$work/text" -out "$work/sealed"
user - --decrypt --id 04 -m RSA-PKCS-OAEP --hash-algorithm SHA256 -i "$work/sealed" -o "$work/opened"
same "$work/opened" "$work/text"
for id in 03:secp384r1 05:prime256v1; do
    judge genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${id#*:}" -out "$work/peer.key"
    judge pkey -in "$work/peer.key" -pubout -outform DER -out "$work/peer.der"
    judge pkeyutl -derive -inkey "$work/peer.key" -peerkey "$work/${id%:*}.pub" -out "$work/want"
    user - --derive --id "${id%:*}" -m ECDH1-DERIVE -i "$work/peer.der" -o "$work/agreed"
    same "$work/agreed" "$work/want"
done
ok 'deciphering with PKCS#1 v1.5 and OAEP, key agreement'
user 'No errors' --test
ok "--test: $(tail -n 1 "$work/said")"
action 'child' --test-fork
ok '--test-fork'

refused 'CKR_PIN_INCORRECT' --login --pin 000000 -O
user 'PIN successfully changed' --change-pin --new-pin 654321
refused 'CKR_PIN_INCORRECT' --login --pin "$pin" -O
pin=654321
user 'Private Key Object' -O
for try in 1 2 3; do
    refused 'CKR_PIN_(INCORRECT|LOCKED)' --login --pin "00000$try" -O
done
refused 'CKR_PIN_LOCKED' --login --pin "$pin" -O
action 'locked' -L
says 'unblocked' yubico-piv-tool -r Yubico -a unblock-pin -P "$default_puk" -N 222222
pin=222222
user 'Private Key Object' -O
ok 'PIN changed, blocked, unblocked by yubico-piv-tool'
new_admin=112233445566778899aabbccddeeff001122334455667788
officer 'PIN successfully changed' --change-pin --new-pin "$new_admin"
refused 'CKR_PIN_INCORRECT' --session-rw --login --login-type so --so-pin "$default_admin" -O
default_admin=$new_admin
officer - --delete-object --type cert --id 05
refused 'not found' --read-object --type cert --id 05 -o "$work/read"
ok 'management key changed; a certificate deleted with the new one'
session_done
