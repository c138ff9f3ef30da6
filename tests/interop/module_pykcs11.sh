#!/bin/sh
# A Python program uses the module through PyKCS11; OpenSSL judges its signatures.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
token_start

does /usr/bin/python3 "$SOURCE/tests/interop/pykcs11_session.py" "$module" "$pin" "$work"
while read -r line; do
    ok "$line"
done <"$work/said"
judge dgst -sha256 -verify "$work/auth.pub" -signature "$work/py.auth.sig" "$work/py.text"
judge dgst -sha256 -sigopt rsa_padding_mode:pss -verify "$work/auth.pub" -signature "$work/py.pss.sig" "$work/py.text"

# PKCS#11 has r and s side by side, OpenSSL wants them as a SEQUENCE.
half() {
    dd if="$work/py.card.sig" bs=32 count=1 skip="$1" 2>/dev/null | od -An -tx1 -v | tr -d ' \n'
}
printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$(half 0)" "$(half 1)" >"$work/sig.cnf"
judge asn1parse -genconf "$work/sig.cnf" -noout -out "$work/py.card.der"
judge dgst -sha256 -verify "$work/card.pub" -signature "$work/py.card.der" "$work/py.text"
ok 'OpenSSL verifies what was signed from Python'
session_done
