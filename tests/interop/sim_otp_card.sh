#!/bin/sh
# Foreign programs and the card whose keys want a code: keys without a gate serve them as on any PIV card, those with one refuse;
# oathtool is the holder's generator.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "Virtual PCD"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile otp-card --control "unix:$work/control"
make_ca
pin=$default_pin
seed=00112233445566778899aabbccddeeff01234567
printf 'a text to be signed\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"
printf '%s' "$default_admin" | sed 's/../&:/g; s/:$//' >"$work/admin"
export PIV_EXT_AUTH_KEY="$work/admin"

# apdus HEX...: a session of the card from SELECT on, by the driver that sends nothing of its own; $work/answers has one line for each, the body without blanks
# and the status word.
apdus() {
    session='-s 00:A4:04:00:05:A0:00:00:03:08'
    for apdu; do
        session="$session -s $(printf '%s' "$apdu" | sed 's/../&:/g; s/:$//')"
    done
    # shellcheck disable=SC2086
    does opensc-tool -c default $session
    awk '/^Received/ { if (n++) print body sw; sw = $0; sub(/^.*SW1=0x/, "", sw); sub(/, SW2=0x/, "", sw)
             sub(/\).*$/, "", sw); body = ""; next }
         n && !/^Sending/ { line = substr($0, 1, 47); gsub(/ /, "", line); body = body line }
         END { print body sw }' "$work/said" | sed 1d >"$work/answers"
}
answered() {
    printf '%s\n' "$@" >"$work/wanted"
    [ "$(wc -l <"$work/wanted")" -eq "$(wc -l <"$work/answers")" ] || fail "not $*: $(cat "$work/answers")"
    paste -d ' ' "$work/answers" "$work/wanted" | while read -r got wanted; do
        printf '%s\n' "$got" | grep -Eqx "$wanted" || exit 1
    done || fail "not $*: $(cat "$work/answers")"
}
# code N: the N-th code of the holder's generator, as the card takes it.
code() {
    oathtool --hotp -c "$1" "$seed" | tr -d '\n' | od -An -tx1 | tr -d ' \n'
}
verify_pin=0020008008313233343536FFFF
digest=$(od -An -v -tx1 "$work/digest" | tr -d ' \n')
sign_9c=0087119C267C2482008120$digest
sign_9a=0087119A267C2482008120$digest

for key in 9a:ECCP256 9c:ECCP256 9d:RSA2048 9e:ECCP256; do
    name=${key%:*}
    says 'Successfully generated' yubico-piv-tool -r Virtual -a generate -s "$name" -A "${key#*:}" -o "$work/$name.pub"
    issue "$name"
    says 'Successfully imported' yubico-piv-tool -r Virtual -a import-certificate -s "$name" -i "$work/$name.pem"
done
says '^([0-9A-F]{2} ){16}' piv-tool --serial
for apdu in "00F10100168014$seed" 00F10200049A019C02; do
    says 'SW1=0x90' piv-tool -A M:9B:03 -s "$(printf '%s' "$apdu" | sed 's/../&:/g; s/:$//')"
done
ok 'yubico-piv-tool makes keys and writes certificates, piv-tool authenticates the issuer who installs secret and gates'

says 'Personal Identity' piv-tool --name
for pair in 03:9d 04:9e; do
    mechanism=ECDSA input=digest
    [ "${pair#*:}" = 9e ] || mechanism=SHA256-RSA-PKCS input=text
    says . pkcs11-tool --module "$opensc_module" --login --pin "$pin" --sign --id "${pair%:*}" -m "$mechanism" \
        --signature-format openssl -i "$work/$input" -o "$work/sig"
    if [ "$input" = text ]; then
        judge dgst -sha256 -verify "$work/9d.pub" -signature "$work/sig" "$work/text"
    else
        judge pkeyutl -verify -pubin -inkey "$work/9e.pub" -sigfile "$work/sig" -in "$work/digest"
    fi
done
for id in 01 02; do
    refuses 'C_Sign|C_Login' pkcs11-tool --module "$opensc_module" --login --pin "$pin" --sign --id "$id" -m ECDSA \
        -i "$work/digest" -o "$work/sig"
done
says 'verified|Successfully' yubico-piv-tool -r Virtual -a verify-pin -P "$pin"
ok 'OpenSC signs with the keys that have no gate, and gets nothing of those that have one'

apdus 0020009F 00F1000000 "$verify_pin" "${sign_9a}00" "${sign_9c}00"
answered 63C5 800101810205058201068302.*86049A019C029000 9000 6985 6982
apdus "$verify_pin" "0020009F06$(code 0)" "${sign_9c}00" "${sign_9c}00" "0020009F06$(code 0)" 
answered 9000 9000 '7C.*9000' 6982 63C4
apdus "$verify_pin" "0020019F06$(code 1)00" "${sign_9a}00" "${sign_9a}00" 00F1000000
answered 9000 '.{32}9000' '7C.*9000' '7C.*9000' '.*85020E1086.*9000'
signature=$(sed -n '3s/^7C..82..\(.*\)9000$/\1/p' "$work/answers")
printf '%s' "$signature" | basenc --base16 -d >"$work/sig"
judge pkeyutl -verify -pubin -inkey "$work/9a.pub" -sigfile "$work/sig" -in "$work/digest"
ok "codes of oathtool open them; the signature is verified"
session_done
