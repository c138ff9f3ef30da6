#!/bin/sh
# OpenSC's PKCS#11 module takes the simulated plain PIV card for a real one, driven by pkcs11-tool; the keys were made
# and the certificates written by yubico-piv-tool.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "Virtual PCD"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile piv
make_ca
pin=$default_pin
printf 'a text to be signed\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"
opensc() {
    pattern_or_word=$1
    shift
    says "$pattern_or_word" pkcs11-tool --module "$opensc_module" "$@"
}
for key in 9a:RSA2048 9c:ECCP256 9d:RSA2048 9e:ECCP384; do
    name=${key%:*}
    says 'Successfully generated' yubico-piv-tool -r Virtual -a generate -s "$name" -A "${key#*:}" -o "$work/$name.pub"
    issue "$name"
    says 'Successfully imported' yubico-piv-tool -r Virtual -a import-certificate -s "$name" -i "$work/$name.pem"
done
ok 'yubico-piv-tool makes keys and writes certificates on a plain PIV card'

opensc 'piv_II' -L
opensc 'RSA-PKCS' -M
opensc 'Certificate for Digital Signature' -O
[ "$(grep -c '^Certificate Object' "$work/said")" -eq 4 ] || fail "not four certificates: $(cat "$work/said")"
opensc 'Private Key Object' --login --pin "$pin" -O
[ "$(grep -c '^Private Key Object' "$work/said")" -eq 4 ] || fail "not four private keys: $(cat "$work/said")"
for pair in 01:9a 02:9c 03:9d 04:9e; do
    opensc '.' --read-object --type cert --id "${pair%:*}" -o "$work/read.der"
    judge x509 -inform DER -in "$work/read.der" -out "$work/read.pem"
    same "$work/read.pem" "$work/${pair#*:}.pem"
done
opensc '.' --read-object --type data --application-id 2.16.840.1.101.3.7.2.48.0 -o "$work/chuid"
ok 'slots, mechanisms, objects, certificates'

for pair in 01:9a 03:9d; do
    for hash in SHA1 SHA256 SHA512; do
        opensc '.' --login --pin "$pin" --sign --id "${pair%:*}" -m "$hash-RSA-PKCS" -i "$work/text" -o "$work/sig"
        judge dgst "-$hash" -verify "$work/${pair#*:}.pub" -signature "$work/sig" "$work/text"
    done
done
opensc '.' --login --pin "$pin" --sign --id 01 -m RSA-PKCS-PSS --hash-algorithm SHA256 -i "$work/digest" -o "$work/sig"
judge pkeyutl -verify -pubin -inkey "$work/9a.pub" -pkeyopt rsa_padding_mode:pss -pkeyopt digest:sha256 \
    -sigfile "$work/sig" -in "$work/digest"
for pair in 02:9c 04:9e; do
    opensc '.' --login --pin "$pin" --sign --id "${pair%:*}" -m ECDSA --signature-format openssl -i "$work/digest" \
        -o "$work/sig"
    judge pkeyutl -verify -pubin -inkey "$work/${pair#*:}.pub" -sigfile "$work/sig" -in "$work/digest"
done
ok 'signatures: RSA PKCS#1 v1.5 and PSS, ECDSA with P-256 and P-384'
judge pkeyutl -encrypt -pubin -inkey "$work/9d.pub" -in "$work/text" -out "$work/sealed"
opensc '.' --login --pin "$pin" --decrypt --id 03 -m RSA-PKCS -i "$work/sealed" -o "$work/opened"
same "$work/opened" "$work/text"
ok 'decryption'
opensc 'No errors' --login --pin "$pin" --test
not_said 'not implemented|ERR|rror:'
ok "--test: $(tail -n 1 "$work/said")"
opensc 'child' --test-fork
ok '--test-fork'
refuses 'CKR_PIN_INCORRECT' pkcs11-tool --module "$opensc_module" --login --pin 000000 -O
opensc 'PIN successfully changed' --change-pin --login --pin "$pin" --new-pin 654321
refuses 'CKR_PIN_INCORRECT' pkcs11-tool --module "$opensc_module" --login --pin "$pin" -O
opensc '.' --login --pin 654321 --sign --id 01 -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig"
ok 'PIN changed; wrong ones refused'
for try in 1 2 3; do
    refuses 'CKR_PIN_(INCORRECT|LOCKED)' pkcs11-tool --module "$opensc_module" --login --pin "00000$try" -O
done
refuses 'CKR_PIN_LOCKED' pkcs11-tool --module "$opensc_module" --login --pin 654321 -O
opensc 'locked' -L
says 'unblocked' yubico-piv-tool -r Virtual -a unblock-pin -P "$default_puk" -N 222222
opensc 'Private Key Object' --login --pin 222222 -O
ok 'blocked after three wrong PINs, unblocked by yubico-piv-tool'
session_done
