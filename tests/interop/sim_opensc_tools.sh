#!/bin/sh
# OpenSC's own tools take the simulated plain PIV card for a real one: opensc-tool, piv-tool, pkcs15-tool, pkcs15-crypt.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "Virtual PCD"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile piv
make_ca
printf 'a text to be signed\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"

says '^3b' opensc-tool --atr
says 'Personal Identity Verification' opensc-tool --name
says '^([0-9A-F]{2} ){16}' opensc-tool --serial
says 'ec' opensc-tool --list-algorithms
says '61 11 4F 06 00 00 10 00 01 00 79' opensc-tool -s 00:A4:04:00:09:A0:00:00:03:08:00:00:10:00
does opensc-tool --reset cold
does opensc-tool --reset warm
says 'SW1=0x6A, SW2=0x82' opensc-tool -s 00:A4:04:00:05:A0:00:00:99:99
says 'SW1=0x63, SW2=0xC3' opensc-tool -s 00:A4:04:00:05:A0:00:00:03:08 -s 00:20:00:80
ok 'opensc-tool: ATR, name, serial number, APDUs, resets'

# OpenSC 0.23 fails in external authentication (its issue 2658) and in printing a generated key (its issue 3156): so
# the authentication is the mutual one, and the public key is taken from the answer to the bare command.
printf '%s' "$default_admin" | sed 's/../&:/g; s/:$//' >"$work/admin"
export PIV_EXT_AUTH_KEY="$work/admin"
says '^([0-9A-F]{2} ){16}' piv-tool --serial
says 'Personal Identity' piv-tool --name
# generate SLOT ALGORITHM: $work/answer is what the card said, in hexadecimal without blanks.
generate() {
    says 'SW1=0x(90|61)' piv-tool -A M:9B:03 -s "00:47:00:$1:05:AC:03:80:01:$2:00"
    sed -n 's/^\(\([0-9A-F][0-9A-F] \)\{1,16\}\).*/\1/p' "$work/said" | tr -d ' \n' >"$work/answer"
}
public_of() {
    printf 'asn1=SEQUENCE:key\n[key]\nalgorithm=SEQUENCE:algorithm\nbits=FORMAT:HEX,BITSTRING:%s\n[algorithm]\n' "$3"
    printf 'oid=OID:%s\nparameter=%s\n' "$1" "$2"
}
to_key() {
    judge asn1parse -genconf "$work/key.cnf" -noout -out "$work/key.der"
    judge pkey -pubin -inform DER -in "$work/key.der" -pubout -out "$work/$1.pub"
}
for slot in 9E:prime256v1:11 9C:secp384r1:14; do
    name=${slot%%:*} curve=${slot#*:}
    generate "$name" "${curve#*:}"
    public_of id-ecPublicKey "OID:${curve%:*}" "$(sed 's/^7F49....86..\(04.*\)$/\1/; s/^7F49..86..\(04.*\)$/\1/' "$work/answer")" \
        >"$work/key.cnf"
    to_key "$name"
done
for name in 9A 9D; do
    generate "$name" 07
    modulus=$(sed 's/^7F4982....81820100\(.\{512\}\)8203010001$/\1/' "$work/answer")
    [ ${#modulus} -eq 512 ] || fail "not an RSA-2048 key: $(cat "$work/answer")"
    public_of rsaEncryption NULL "3082010A02820101""00$modulus""0203010001" >"$work/key.cnf"
    to_key "$name"
done
ok 'piv-tool: keys generated with RSA-2048, P-256 and P-384'
for name in 9A 9C 9D 9E; do
    issue "$name"
done
# piv-tool's exit code after writing is the length, cut to a byte.
writes() {
    run piv-tool -A M:9B:03 "$@"
    not_said 'failed|rror'
}
for name in 9A 9D 9E; do
    writes -C "$name" -i "$work/$name.pem"
done
judge x509 -in "$work/9C.pem" -outform DER -out "$work/9C.der"
gzip -nc "$work/9C.der" >"$work/9C.gz"
writes -Z 9C -i "$work/9C.gz"
ok 'piv-tool: certificates written, one of them compressed'
# The card keeps the authentication until a reset. Without it piv-tool fails without a word; what is read below is
# still the old.
does opensc-tool --reset cold
refuses '.' piv-tool -C 9A -i "$work/ca.pem"
sed 's/^0/1/' "$work/admin" >"$work/wrong"
refuses 'admin_mode failed' env PIV_EXT_AUTH_KEY="$work/wrong" piv-tool -A M:9B:03 -C 9A -i "$work/ca.pem"
ok 'piv-tool: no writing without the management key, nor with a wrong one'

for pair in 01:9A 02:9C 03:9D 04:9E; do
    id=${pair%:*} name=${pair#*:}
    does pkcs15-tool --read-certificate "$id" -o "$work/read"
    judge x509 -in "$work/read" -out "$work/read.pem"
    same "$work/read.pem" "$work/$name.pem"
    does pkcs15-tool --read-public-key "$id" -o "$work/read"
    judge pkey -pubin -in "$work/read" -pubout -out "$work/read.pub"
    same "$work/read.pub" "$work/$name.pub"
done
does pkcs15-tool --dump
[ "$(grep -c '^Private RSA Key\|^Private EC Key' "$work/said")" -eq 4 ] || fail "not four keys: $(cat "$work/said")"
says 'Card Capability Container' pkcs15-tool --list-data-objects
says 'max_len:8' pkcs15-tool --list-pins
ok 'pkcs15-tool: certificates and keys are read as they were written'

pin=$default_pin
for key in 01:9A 03:9D; do
    does pkcs15-crypt -s -k "${key%:*}" --pkcs1 --sha-256 -i "$work/digest" -o "$work/sig" -p "$pin"
    judge dgst -sha256 -verify "$work/${key#*:}.pub" -signature "$work/sig" "$work/text"
done
for key in 02:9C 04:9E; do
    does pkcs15-crypt -s -k "${key%:*}" -f openssl -i "$work/digest" -o "$work/sig" -p "$pin"
    judge pkeyutl -verify -pubin -inkey "$work/${key#*:}.pub" -sigfile "$work/sig" -in "$work/digest"
done
judge pkeyutl -encrypt -pubin -inkey "$work/9D.pub" -in "$work/text" -out "$work/sealed"
does pkcs15-crypt -c -k 03 --pkcs1 -R -i "$work/sealed" -o "$work/opened" -p "$pin"
same "$work/opened" "$work/text"
ok 'pkcs15-crypt: signatures and a decryption that OpenSSL confirms'

does pkcs15-tool --change-pin --pin "$default_pin" --new-pin 654321
does pkcs15-tool --change-pin --auth-id 02 --pin "$default_puk" --new-pin 87654321
refuses 'incorrect' pkcs15-tool --change-pin --pin "$default_pin" --new-pin 111111
does pkcs15-tool --verify-pin --auth-id 01 --pin 654321
ok 'pkcs15-tool: PIN and PUK changed; the old PIN is refused'
for left in 2 1 0; do
    refuses 'incorrect|blocked' pkcs15-tool --verify-pin --auth-id 01 --pin 000000
    if [ "$left" -gt 0 ]; then
        says "SW1=0x63, SW2=0xC$left" opensc-tool -s 00:A4:04:00:05:A0:00:00:03:08 -s 00:20:00:80
    else
        says 'SW1=0x69, SW2=0x83' opensc-tool -s 00:A4:04:00:05:A0:00:00:03:08 -s 00:20:00:80
    fi
done
refuses 'blocked' pkcs15-tool --verify-pin --auth-id 01 --pin 654321
refuses 'incorrect' pkcs15-tool --unblock-pin --auth-id 01 --puk "$default_puk" --new-pin 222222
does pkcs15-tool --unblock-pin --auth-id 01 --puk 87654321 --new-pin 222222
does pkcs15-tool --verify-pin --auth-id 01 --pin 222222
ok 'pkcs15-tool: three wrong PINs block, the right PUK unblocks'
for try in 1 2 3; do
    refuses 'incorrect|blocked' pkcs15-tool --unblock-pin --auth-id 01 --puk "0000000$try" --new-pin 333333
done
refuses 'blocked' pkcs15-tool --unblock-pin --auth-id 01 --puk 87654321 --new-pin 333333
does pkcs15-tool --verify-pin --auth-id 01 --pin 222222
ok 'pkcs15-tool: three wrong PUKs block the PUK; the PIN still serves'
session_done
