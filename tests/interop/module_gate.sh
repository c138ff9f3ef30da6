#!/bin/sh
# Programs that know nothing of codes, and keys that want one: pkcs11-tool gives it at its context login, OpenSSL's engine within
# the PIN; who has stolen the PIN gets nothing. oathtool is the holder's generator.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
ingam="$BUILD/tool/ingam" tty="$BUILD/tests/e2e/tool_on_tty"
pin=$default_pin
hex=3132333435363738393031323334353637383930
start_pcscd 'Virtual PCD'
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile otp-card --control "unix:$work/control"
make_ca
for key in 9a:RSA2048 9c:ECCP256 9d:RSA2048 9e:ECCP256; do
    name=${key%:*}
    says 'Successfully generated' yubico-piv-tool -r Virtual -a generate -s "$name" -A "${key#*:}" -o "$work/$name.pub"
    issue "$name"
    says 'Successfully imported' yubico-piv-tool -r Virtual -a import-certificate -s "$name" -i "$work/$name.pem"
done
printf '12345678901234567890' | base32 >"$work/secret"
does "$ingam" otp secret set --secret-file "$work/secret" --default-admin
does "$ingam" otp gate 9a once --default-admin
does "$ingam" otp gate 9c always --default-admin
does "$ingam" otp gate 9d always --default-admin
printf 'a text to be signed\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"
code() {
    oathtool --hotp -c "$1" "$hex" | tr -d '\n'
}
tries() {
    does "$ingam" otp gate --json
    jq -e ".code_tries == $1" "$work/said" >/dev/null || fail "not $1 tries of the code: $(cat "$work/said")"
}

# always
does "$tty" "$pin" "$(code 0)" -- pkcs11-tool --module "$module" --login --sign --id 02 -m ECDSA \
    --signature-format openssl -i "$work/digest" -o "$work/sig"
judge pkeyutl -verify -pubin -inkey "$work/9c.pub" -sigfile "$work/sig" -in "$work/digest"
does "$tty" "$pin" "$(code 1)" -- pkcs11-tool --module "$module" --login --sign --id 03 -m SHA256-RSA-PKCS \
    -i "$work/text" -o "$work/sig"
judge dgst -sha256 -verify "$work/9d.pub" -signature "$work/sig" "$work/text"
ok 'pkcs11-tool signs with "always" keys, P-256 and RSA, the code being typed at its context login'
rm -f "$work/sig"
refuses 'CKR_PIN_INCORRECT' pkcs11-tool --module "$module" --login --pin "$pin" --sign --id 02 -m ECDSA -i "$work/digest" \
    -o "$work/sig"
tries 5
sign_on_tty() {
    "$tty" "$@" -- pkcs11-tool --module "$module" --login --sign --id 02 -m ECDSA --signature-format openssl \
        -i "$work/digest" -o "$work/sig"
}
commands=$((commands + 1))
! sign_on_tty "$pin" 000000 "$(code 1)" >"$work/said" || fail 'signed with a wrong and an old code'
[ "$(grep -c 'context specific PIN' "$work/said")" -eq 2 ] || fail "not asked again: $(cat "$work/said")"
said CKR_USER_NOT_LOGGED_IN 'the second wrong code'
[ ! -s "$work/sig" ] || fail 'a signature without a code'
tries 3
commands=$((commands + 1))
sign_on_tty "$pin" 000001 "$(code 2)" >"$work/said" || fail "after a wrong code: $(cat "$work/said")"
judge pkeyutl -verify -pubin -inkey "$work/9c.pub" -sigfile "$work/sig" -in "$work/digest"
tries 5
ok 'its --pin, which it gives again, costs no try; a wrong and an old code cost one each, and it asks again'

# once
cat >"$work/engine.cnf" <<END
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
END
engine() {
    env OPENSSL_CONF="$work/engine.cnf" openssl "$@"
}
cms() {
    engine cms -sign -engine pkcs11 -keyform engine -inkey "pkcs11:id=%01;type=private;pin-value=$1" -signer "$work/9a.pem" \
        -in "$work/text" -text -out "$work/signed.eml"
}
commands=$((commands + 1))
cms "$pin$(code 3)" >"$work/said" 2>&1 || fail "cms: $(cat "$work/said")"
judge cms -verify -in "$work/signed.eml" -CAfile "$work/ca.pem" -purpose any -text -out "$work/read"
tries 5
ok 'openssl cms -sign through libp11 with PIN and code in one'
rm -f "$work/signed.eml"
for entry in "$pin" "$pin$(code 3)" "${pin}000001" "${pin}12"; do
    commands=$((commands + 1))
    ! cms "$entry" >"$work/said" 2>&1 || fail "signed with $entry"
done
tries 3
ok 'not without a code, with an old one, with a wrong one, or with half a one'
# The PIN alone still serves the keys without a gate.
does pkcs11-tool --module "$module" --login --pin "$pin" --sign --id 04 -m ECDSA --signature-format openssl \
    -i "$work/digest" -o "$work/sig"
judge pkeyutl -verify -pubin -inkey "$work/9e.pub" -sigfile "$work/sig" -in "$work/digest"
ok 'the PIN alone serves a key without a gate'

# A program that stays logged in, and a thief that knows its PIN.
mkfifo "$work/go"
cat >"$work/holder.py" <<'END'
import sys
import time
import PyKCS11 as pk
lib = pk.PyKCS11Lib()
lib.load(sys.argv[1])
session = lib.openSession(lib.getSlotList(tokenPresent=True)[0])
session.login(sys.argv[2])
key = session.findObjects([(pk.CKA_CLASS, pk.CKO_PRIVATE_KEY), (pk.CKA_ID, (1,))])[0]
def sign():
    return bytes(session.sign(key, b"text", pk.Mechanism(pk.CKM_SHA256_RSA_PKCS, None)))
sign()
print("ready", flush=True)
for line in open(sys.argv[3]):
    try:
        print("signed", len(sign()), flush=True)
    except pk.PyKCS11Error as e:
        print("refused", e, flush=True)
session.logout()
END
commands=$((commands + 1))
start holder /usr/bin/python3 "$work/holder.py" "$module" "$pin$(code 4)" "$work/go"
exec 5>"$work/go"
echo >&5
[ "$(next_line holder)" = 'signed 256' ] || fail 'the holder'
commands=$((commands + 1))
! cms "$pin" >"$work/said" 2>&1 || fail 'the thief of the PIN signs'
echo >&5
[ "$(next_line holder)" = 'signed 256' ] || fail 'the holder, after the thief'
# An hour later the ticket is over.
"$sim" ctl "unix:$work/control" later 3601
echo >&5
line=$(next_line holder)
case $line in
*CKR_USER_NOT_LOGGED_IN*) ;;
*) fail "the holder after an hour: $line" ;;
esac
exec 5>&-
ok 'the holder goes on, who has stolen the PIN gets nothing; after an hour a new code is wanted'
session_done
