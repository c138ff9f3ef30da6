#!/bin/sh
# The README's first command, twice in a row and from another place: it ends well and leaves nothing running.
. "$SOURCE/tests/lib/stack.sh"

for round in 1 2; do
    expect_exit 0 sh "$SOURCE/tool/quickstart.sh" --build "$BUILD" --into "$work/quickstart"
    for line in 'Verified OK' 'sees on the token' 'certificate.pem: OK\|CA: OK' 'Go on with it'; do
        grep -q "$line" "$work/out" || fail "round $round does not say '$line': $(cat "$work/out")"
    done
    ok "quickstart, round $round"
done

# Not by its own word alone: the signature and the chain once more.
openssl dgst -sha256 -verify "$work/quickstart/key.pem" -signature "$work/quickstart/letter.sig" \
    "$work/quickstart/letter.txt" >/dev/null
openssl verify -CAfile "$work/quickstart/desk/ca.crt" "$work/quickstart/certificate.pem" >/dev/null
printf 'I, the undersigneD.\n' >"$work/other"
! openssl dgst -sha256 -verify "$work/quickstart/key.pem" -signature "$work/quickstart/letter.sig" "$work/other" \
    >/dev/null 2>&1 || fail 'the signature fits another text, too'
ok 'the signature fits the file, and no other'

openssl x509 -in "$work/quickstart/certificate.pem" -noout -subject -nameopt utf8,sep_comma_plus | grep -q 'CN=홍길동' ||
    fail 'the Korean name is not in the certificate'
ok 'the Korean name is in the certificate as it was given'

left=$(pgrep -f "$work/quickstart" || true)
[ -z "$left" ] || fail "left running: $left"
ok 'nothing is left running'
stack_done
