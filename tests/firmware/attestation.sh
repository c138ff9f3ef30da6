#!/bin/sh
# An attestation leads over the card's own certificate to the simulator's root, and says what the maker's does.
. "$SOURCE/tests/lib/stack.sh"

start_pcscd 'Yubico YubiKey CCID'
start_card token "$vpcd_ports" --profile yubikey-5.4 --serial 4711
"$sim" --attestation-root >"$work/root.pem"
yubico-piv-tool -a generate -s 9a -A ECCP256 --pin-policy once --touch-policy cached -o "$work/key.pem" 2>/dev/null
yubico-piv-tool -a attest -s 9a >"$work/attestation.pem"
yubico-piv-tool -a read-certificate -s f9 -o "$work/f9.pem"
openssl verify -CAfile "$work/root.pem" -untrusted "$work/f9.pem" "$work/attestation.pem" >/dev/null
ok "the chain of three certificates holds"
openssl x509 -in "$work/attestation.pem" -pubkey -noout | cmp - "$work/key.pem"
ok "the attestation is about the key that was made"
openssl x509 -in "$work/attestation.pem" -outform DER -out "$work/attestation.der"
said=$(openssl asn1parse -inform DER -in "$work/attestation.der" | grep -A1 '1\.3\.6\.1\.4\.1\.41482\.3\.' |
    sed -n 's/.*41482\.3\.\([0-9]*\).*/\1/p; s/.*HEX DUMP\]://p' | tr '\n' ' ')
# Yubico's attestation extensions: firmware 5.4.3; serial number, a DER INTEGER; policies once and cached; USB A
[ "$said" = '3 050403 7 02021267 8 0203 9 01 ' ] || fail "the extensions are $said"
ok "firmware, serial number, policies and form factor are as on the maker's cards"
stack_done
