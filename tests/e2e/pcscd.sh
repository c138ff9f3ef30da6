#!/bin/sh
# Issue and use through real pcscd and vpcd, for an RSA and an EC key; OpenSC's own module lists and uses the same token.
. "$SOURCE/tests/lib/stack.sh"

start_pcscd
start_card card "$vpcd_ports"
start_desk
printf '123456\n' >"$work/pin"
export TOKEN_PIN=123456

# SLOT ID KEY-TYPE MECHANISM
while read -r slot id type mechanism; do
    entitle '홍길동' "/C=KR/O=Ingam/CN=홍길동 $slot" "$work/code.$slot"
    expect_exit 0 "$ingam" issue --slot "$slot" --issuer "$url" --reference "$reference" --code-file "$work/code.$slot" \
        --key-type "$type" --pin-file "$work/pin" --default-admin
    ok "ingam issue --slot $slot --key-type $type, through pcscd"

    p11 --read-object --type cert --id "$id" --output-file "$work/$slot.der" 2>/dev/null
    openssl x509 -inform DER -in "$work/$slot.der" -out "$work/$slot.pem"
    openssl x509 -in "$work/$slot.pem" -pubkey -noout >"$work/$slot.key"
    openssl verify -CAfile "$work/desk/ca.crt" "$work/$slot.pem" >/dev/null
    ok "the certificate in $slot verifies against the CA"

    head -c 3000 /dev/urandom >"$work/data"
    for name in ours opensc; do
        [ "$name" = ours ] && with=$module || with=$opensc_module
        # OpenSC 0.23 numbers the PIV slots as we do.
        pkcs11-tool --module "$with" -O >"$work/objects" 2>/dev/null
        grep -q 'Certificate Object' "$work/objects" || fail "$name lists no certificate: $(cat "$work/objects")"
        pkcs11-tool --module "$with" --login --pin env:TOKEN_PIN --sign --id "$id" --mechanism "$mechanism" \
            --signature-format openssl --input-file "$work/data" --output-file "$work/sig" >"$work/sign.err" 2>&1 ||
            fail "$name does not sign with $slot: $(cat "$work/sign.err")"
        openssl dgst -sha256 -verify "$work/$slot.key" -signature "$work/sig" "$work/data" >/dev/null ||
            fail "openssl refuses what $name signed"
        ok "$name: -O, --login --sign with $slot ($mechanism); openssl verifies"
    done
done <<EOF
9a 01 rsa2048 SHA256-RSA-PKCS
9e 04 p256 ECDSA-SHA256
9d 03 p384 ECDSA-SHA256
EOF
stack_done
