#!/bin/sh
# The same on a plain PIV card, without any maker's extensions: pkcs11-tool makes keys and writes certificates through the
# module, its own tests pass, and OpenSC's module, which knows nothing of ours, uses what is there.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
start_pcscd "Virtual PCD"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile piv
make_ca
printf 'a text\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"
for key in 01:rsa:2048 02:EC:prime256v1 03:rsa:2048 04:EC:prime256v1; do
    id=${key%%:*}
    says 'Key pair generated' p11 --login --login-type so --so-pin "$default_admin" --keypairgen --id "$id" \
        --key-type "${key#*:}" --label "key $id"
    does p11 --read-object --type pubkey --id "$id" -o "$work/read"
    judge pkey -pubin -inform DER -in "$work/read" -pubout -out "$work/$id.pub"
    issue "$id"
    judge x509 -in "$work/$id.pem" -outform DER -out "$work/$id.der"
    says 'Created certificate' p11 --login --login-type so --so-pin "$default_admin" --write-object "$work/$id.der" \
        --type cert --id "$id"
done
does p11 --login --pin "$pin" -O
[ "$(grep -c '^Private Key Object' "$work/said")" -eq 4 ] || fail "not four private keys: $(cat "$work/said")"
ok 'four keys made and certified'
says 'No errors' p11 --login --pin "$pin" --test
not_said 'not implemented|ERR|error:'
ok "--test: $(tail -n 1 "$work/said")"
for who in "$module" "$opensc_module"; do
    for id in 01 03; do
        does pkcs11-tool --module "$who" --login --pin "$pin" --sign --id "$id" -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig"
        judge dgst -sha256 -verify "$work/$id.pub" -signature "$work/sig" "$work/text"
    done
    for id in 02 04; do
        does pkcs11-tool --module "$who" --login --pin "$pin" --sign --id "$id" -m ECDSA --signature-format openssl \
            -i "$work/digest" -o "$work/sig"
        judge pkeyutl -verify -pubin -inkey "$work/$id.pub" -sigfile "$work/sig" -in "$work/digest"
    done
done
ok 'signatures through the module and through OpenSC'\''s'
says 'successfully changed' p11 --change-pin --login --pin "$pin" --new-pin 654321
does pkcs15-tool --verify-pin --auth-id 01 --pin 654321
does pkcs15-tool --unblock-pin --auth-id 01 --puk "$default_puk" --new-pin "$pin"
does p11 --login --pin "$pin" -O
ok 'the PIN changed through the module, and set by OpenSC'
session_done
