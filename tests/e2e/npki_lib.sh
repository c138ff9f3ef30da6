# What the tests of key files share. To be sourced after stack.sh and tool_lib.sh.
# shellcheck shell=sh disable=SC2034,SC2154

samples="$SOURCE/tests/data/npki"
person='cn=홍길동()0004049202611220000000001,ou=KMB,ou=personal4IB,o=yessign,c=kr'
random=79ea7568a2d3776604e18bcd3a1b1b85b7da0872
printf 'Test!npki2026\n' >"$work/password"
printf 'test!npki2026\n' >"$work/wrong"
printf '123456-1234567\n' >"$work/number"
printf '1234561234568\n' >"$work/other_number"
openssl x509 -inform DER -in "$samples/signCert.der" -out "$work/certificate.pem"
openssl x509 -in "$work/certificate.pem" -noout -pubkey >"$work/public.pem"

# npki_tree FOLDER: FOLDER/NPKI with one person in it.
npki_tree() {
    tree="$1/NPKI/yessign/USER/$person"
    mkdir -p "$tree"
    cp "$samples/signCert.der" "$samples/signPri.key" "$tree"
}

# softhsm_works ID SLOT: the token's key signs for the certificate there, and R is there, judged by other programs.
softhsm_works() {
    printf 'signed text' >"$work/text"
    pkcs11-tool --module "$softhsm" --login --pin 123456 --sign --mechanism SHA256-RSA-PKCS --id "$1" \
        --input-file "$work/text" --output-file "$work/signature" >/dev/null 2>&1
    openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/text" >/dev/null ||
        fail "the key under $1 does not sign for the certificate"
    pkcs11-tool --module "$softhsm" --read-object --type cert --id "$1" -o "$work/back.der" >/dev/null 2>&1
    cmp "$samples/signCert.der" "$work/back.der" || fail "another certificate is under $1"
    pkcs11-tool --module "$softhsm" --login --pin 123456 --read-object --type data --label "NPKI R $2" \
        -o "$work/r" >/dev/null 2>&1
    [ "$(od -An -tx1 "$work/r" | tr -d ' \n')" = "$random" ] || fail "R of slot $2 is another"
}

# softhsm_count KIND: how many objects of this kind it holds.
softhsm_count() {
    pkcs11-tool --module "$softhsm" --login --pin 123456 -O 2>/dev/null | grep -c "^$1" || true
}
