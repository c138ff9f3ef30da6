#!/bin/sh
# yubico-piv-tool takes the simulated YubiKey for a real one, through its whole life: keys made and brought, certificates,
# attestation, PIN, PUK and management key, blocked and reset.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4 --serial 12345678
make_ca
pin=$default_pin
printf 'a text to be signed\n' >"$work/text"
# action PATTERN ARGUMENT...; refused PATTERN ARGUMENT...
action() {
    wanted=$1
    shift
    says "$wanted" yubico-piv-tool -r Yubico "$@"
}
refused() {
    wanted=$1
    shift
    refuses "$wanted" yubico-piv-tool -r Yubico "$@"
}

action 'version 5\.4\.' -a version
action 'Serial Number:.12345678' -a status
said 'PIN tries left:.3' status
action "Yubico YubiKey CCID 00 00" -a list-readers
action 'new CHUID' -a set-chuid
action 'new CCC' -a set-ccc
action 'CHUID:.3019d4e739' -a status
ok 'version, serial number, readers, CHUID and CCC'

for key in 9a:RSA2048 9c:ECCP256 9d:ECCP384 9e:RSA2048 82:ECCP256 95:RSA2048; do
    name=${key%:*} algorithm=${key#*:}
    action 'Successfully generated' -a generate -s "$name" -A "$algorithm" -o "$work/$name.pub"
    issue "$name"
    action 'Successfully imported' -a import-certificate -s "$name" -i "$work/$name.pem"
    action - -a read-certificate -s "$name" -o "$work/read"
    judge x509 -in "$work/read" -out "$work/read.pem"
    same "$work/read.pem" "$work/$name.pem"
    action 'Successful (RSA|ECDSA) verification' -a verify-pin -P "$pin" -a test-signature -s "$name" -i "$work/$name.pem"
    action 'Successfully performed (RSA decryption|ECDH exchange)' -a verify-pin -P "$pin" -a test-decipher -s "$name" \
        -i "$work/$name.pem"
done
refused 'Key generation failed' -a generate -s 9a -A RSA1024
ok 'six keys made, with certificates, used for signing and deciphering; RSA-1024 refused'

# Attestation: the device's certificate says that the key was made in it, the root that the certificate is a device's.
does yubico-piv-tool -r Yubico -a read-certificate -s f9 -o "$work/f9.pem"
judge x509 -in "$work/f9.pem" -noout -checkend 0
for name in 9a 9c 82; do
    does yubico-piv-tool -r Yubico -a attest -s "$name" -o "$work/attest.pem"
    judge verify -partial_chain -trusted "$work/f9.pem" "$work/attest.pem"

    openssl x509 -in "$work/attest.pem" -noout -pubkey >"$work/attested.pub"
    same "$work/attested.pub" "$work/$name.pub"
    # Firmware 5.4.3 and serial number 12345678, as the maker's page on attestation has them.
    openssl x509 -in "$work/attest.pem" -outform DER | openssl asn1parse -inform DER >"$work/fields"
    grep -A1 '1.3.6.1.4.1.41482.3.3$' "$work/fields" | grep -q 'HEX DUMP\]:050403' || fail "no firmware: $(cat "$work/fields")"
    grep -A1 '1.3.6.1.4.1.41482.3.7$' "$work/fields" | grep -q 'HEX DUMP\]:020400BC614E' || fail 'no serial number'
    grep -A1 '1.3.6.1.4.1.41482.3.8$' "$work/fields" | grep -Eq 'HEX DUMP\]:0[123]01' || fail 'no policies'
done
ok 'attestations verify, name the key, the firmware and the serial number'

for key in auth:rsa_keygen_bits:2048:RSA p256:ec_paramgen_curve:prime256v1:EC p384:ec_paramgen_curve:secp384r1:EC; do
    name=${key%%:*} option=${key#*:}
    judge genpkey -algorithm "${key##*:}" -pkeyopt "${option%:*}" -out "$work/$name.key"
    judge pkey -in "$work/$name.key" -pubout -out "$work/$name.pub"
    issue "$name"
    case $name in auth) slot=9a ;; p256) slot=9c ;; *) slot=9d ;; esac
    action 'imported a new private key' -a import-key -s $slot -i "$work/$name.key" --pin-policy once --touch-policy never
    action 'imported a new certificate' -a import-certificate -s $slot -i "$work/$name.pem"
    action 'verification' -a verify-pin -P "$pin" -a test-signature -s $slot -i "$work/$name.pem"
done
refused 'Failed' -a attest -s 9a
action 'Signature successful' -a verify-pin -P "$pin" --sign -s 9a -A RSA2048 -H SHA256 -i "$work/text" -o "$work/sig"
judge dgst -sha256 -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
judge pkcs12 -export -inkey "$work/p256.key" -in "$work/p256.pem" -passout pass:secret -out "$work/p256.p12"
action 'imported' -a import-key -a import-certificate -s 83 -K PKCS12 -p secret -i "$work/p256.p12"
action 'verification' -a verify-pin -P "$pin" -a test-signature -s 83 -i "$work/p256.pem"
ok 'keys brought from outside, PEM and PKCS#12; none of them can be attested'

# The slot's rule for the PIN holds.
refused 'Failed|Authentication' -a test-signature -s 9a -i "$work/auth.pem"
action 'imported' -a import-key -s 9a -i "$work/auth.key" --pin-policy never
action 'verification' -a test-signature -s 9a -i "$work/auth.pem"
does yubico-piv-tool -r Yubico -a delete-certificate -s 83
refused 'Failed fetching' -a read-certificate -s 83
ok 'PIN policies; a certificate deleted'
printf '0102030405060708090a' >"$work/object"
action - -a write-object --id 0x5fff10 -f hex -i "$work/object"
action '0102030405060708090a' -a read-object --id 0x5fff10 -f hex
dd if=/dev/urandom of="$work/large" bs=2900 count=1 2>/dev/null
action - -a write-object --id 0x5fc10d -f binary -i "$work/large"
action - -a read-object --id 0x5fc10d -f binary -o "$work/read"
same "$work/large" "$work/read"
ok 'data objects, one of 2,900 bytes'

new_admin=112233445566778899aabbccddeeff001122334455667788
action 'new management key' -a set-mgm-key -n $new_admin
refused 'Failed authentication' -a set-chuid
action 'new CHUID' -a set-chuid -k$new_admin
action 'new management key' -a set-mgm-key -k$new_admin -n "$default_admin"
ok 'management key changed and back'

refused '2 tries left' -a verify-pin -P 000000
action 'changed the pin' -a change-pin -P "$pin" -N 654321
refused '2 tries left' -a verify-pin -P "$pin"
action 'verified' -a verify-pin -P 654321
action 'changed the puk' -a change-puk -P "$default_puk" -N 87654321
refused 'Failed verifying puk' -a unblock-pin -P "$default_puk" -N 111111
for left in '2 tries' '1 tries' 'blocked'; do
    refused "$left" -a verify-pin -P 000000
done
refused 'blocked' -a verify-pin -P 654321
action 'unblocked' -a unblock-pin -P 87654321 -N 222222
action 'verified' -a verify-pin -P 222222
refused 'Failed' -a pin-retries --pin-retries 5 --puk-retries 4
action 'retries to 5' -a verify-pin -P 222222 -a pin-retries --pin-retries 5 --puk-retries 4
action 'PIN tries left:.5' -a status
action 'verified' -a verify-pin -P "$pin"
ok 'PIN and PUK changed, blocked, unblocked; numbers of tries set'

refused 'Reset failed' -a reset
for try in 1 2 3 4 5; do
    refused - -a verify-pin -P "00000$try"
    refused - -a change-puk -P "0000000$try" -N 11111111
done
refused 'blocked' -a verify-pin -P "$pin"
refused 'blocked' -a unblock-pin -P "$default_puk" -N 222222
action 'Successfully reset' -a reset
action 'PIN tries left:.3' -a status
not_said 'Slot 9'
action 'verified' -a verify-pin -P "$pin"
refused 'Failed' -a attest -s 9c
ok 'both blocked, then reset: factory values, no keys'
session_done
