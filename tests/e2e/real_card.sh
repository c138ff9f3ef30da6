#!/bin/sh
# The opt-in run on a real token: sh tests/run.sh --card SERIAL. Looks first; each step that changes the token is told,
# and done only when the serial number is typed. Uses the system's pcscd, and never tries a PIN that was not typed.
BUILD=${BUILD:-$PWD/build} SOURCE=${SOURCE:-$PWD}
pcscd=${PCSCLITE_CSOCK_NAME:-}
. "$SOURCE/tests/lib/stack.sh"
[ -z "$pcscd" ] || export PCSCLITE_CSOCK_NAME="$pcscd"
serial=${1:?usage: real_card.sh SERIAL}

# confirmed WHAT: true when the serial number is typed in answer.
confirmed() {
    printf '\nNext: %s.\nType the serial number to do it, or Enter to leave it: ' "$1"
    IFS= read -r answer || answer=
    [ "$answer" = "$serial" ]
}
# The token by its serial number, for pkcs11-tool: the slot's index is not stable, the label may be shared.
slot_of_serial() {
    p11 -L 2>/dev/null | awk -v want="$serial" '/^Slot/ { split($0, a, /[()]/); id = a[2] } /serial num/ && $NF == want { print id; exit }'
}

"$ingam" token info --serial "$serial" || fail "no token with the serial number $serial"
slot=$(slot_of_serial)
[ -n "$slot" ] || fail 'pkcs11-tool does not see that token'
p11 --slot "$slot" -O >"$work/objects" 2>/dev/null
sed -n 's/^[A-Z].*[Oo]bject.*/  &/p' "$work/objects"
ok "token $serial is read (slot $slot)"

printf '\nPIN of the token (not shown; Enter to leave out what needs it): '
[ ! -t 0 ] || stty -echo
IFS= read -r pin || pin=
[ ! -t 0 ] || stty echo
printf '\n'
if [ -n "$pin" ]; then
    printf '%s\n' "$pin" >"$work/pin"
    TOKEN_PIN=$pin
    export TOKEN_PIN
    pin=
    if confirmed 'sign with the key in 9A; this sends the PIN once'; then
        head -c 100 /dev/urandom >"$work/data"
        p11 --slot "$slot" --login --pin env:TOKEN_PIN --sign --id 01 --mechanism "${MECHANISM:-ECDSA-SHA256}" \
            --signature-format openssl --input-file "$work/data" --output-file "$work/sig" ||
            fail 'no signature; the PIN is not tried again'
        ok 'signed with 9A'
    fi
fi

if confirmed 'DESTROYS the key and certificate in 9E: a new key is made, and a test desk issues a certificate for it'; then
    start_desk
    entitle 'Test' '/C=KR/O=Ingam/CN=Test' "$work/code"
    printf 'Management key in hex (not shown; Enter for the factory key): '
    [ ! -t 0 ] || stty -echo
    IFS= read -r admin || admin=
    [ ! -t 0 ] || stty echo
    printf '\n'
    if [ -n "$admin" ]; then
        printf '%s\n' "$admin" >"$work/admin"
        set -- --admin-key-file "$work/admin"
    else
        set -- --default-admin
    fi
    [ ! -s "$work/pin" ] || set -- "$@" --pin-file "$work/pin"
    "$ingam" issue --serial "$serial" --slot 9e --issuer "$url" --reference "$reference" \
        --code-file "$work/code" --key-type p256 --replace --yes "$@"
    p11 --slot "$slot" --read-object --type cert --id 04 --output-file "$work/9e.der" 2>/dev/null
    openssl x509 -inform DER -in "$work/9e.der" -out "$work/9e.pem"
    openssl verify -CAfile "$work/desk/ca.crt" "$work/9e.pem"
    ok 'a certificate was issued into 9E and verifies'
fi
stack_done
