#!/bin/sh
# ingam move onto a token of another maker's module (SoftHSM), judged by pkcs11-tool and OpenSSL.
# shellcheck disable=SC2317 # the command is called through expect_exit
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/tool_lib.sh"
. "$SOURCE/tests/e2e/npki_lib.sh"

softhsm_new 'card one'
npki_tree "$HOME"
move() {
    "$ingam" move "$@" --module "$softhsm" --pin-file "$work/pin" --password-file "$work/password"
}
objects() {
    pkcs11-tool --module "$softhsm" --login --pin 123456 -O 2>/dev/null | sed '/^Using slot/d'
}
objects >"$work/before"
unchanged() {
    objects >"$work/after"
    cmp "$work/before" "$work/after" || fail "the token has changed"
    [ -z "$(find "$HOME" -name '*.json')" ] || fail 'a journal is left'
}

expect_exit 4 "$ingam" move "$tree" 9c --module "$softhsm" --pin-file "$work/pin" --password-file "$work/wrong"
expect_exit 9 move "$samples/signPri.key" 9c --cert "$samples/ca.der"
says 'do not belong together'
expect_exit 7 move 9a 9c
says 'cannot be taken'
expect_exit 7 move 'pkcs11:serial=1;id=%01' 9c
expect_exit 2 move "$tree"
expect_exit 2 move "$tree" 7f
expect_exit 2 move "$tree" 9c --delete-source
unchanged
ok 'refused, nothing on the token: wrong password 4, another key 9, a key on a token 7, no slot 2'

expect_exit 0 move "$tree" 9c --json
[ "$(jq -r '.slot, .random, (.files_left | length)' "$work/out" | tr '\n' ' ')" = '9c true 2 ' ] ||
    fail "the answer: $(cat "$work/out")"
softhsm_works 02 9c
[ -f "$tree/signPri.key" ] || fail 'the file is gone'
pkcs11-tool --module "$softhsm" -O 2>/dev/null | grep -q '^Certificate Object' || fail 'the certificate wants a login'
! pkcs11-tool --module "$softhsm" -O 2>/dev/null | grep -q '^Data object' || fail 'R is seen without a login'
ok 'moved: the key signs, certificate and R read back by another program; R only after login'

objects >"$work/before"
expect_exit 0 move "$samples/sign.pfx" 9c
says 'already'
unchanged
ok 'the same again: told that it is there, nothing written'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ec.key" -out "$work/ec.pem" \
    -subj /CN=ec -days 3 2>/dev/null
expect_exit 9 move "$work/ec.key" 9c --cert "$work/ec.pem"
says 'already holds'
expect_exit 2 move "$work/ec.key" 9c --cert "$work/ec.pem" --replace
says 'yes'
unchanged
ok 'what is in the slot is not written over: exit 9, and not without a yes'

expect_exit 0 move "$work/ec.key" 9c --cert "$work/ec.pem" --replace --yes
[ "$(softhsm_count 'Private Key')$(softhsm_count 'Public Key')$(softhsm_count Certificate)$(softhsm_count Data)" = 1110 ] ||
    fail "the token holds: $(objects)"
openssl dgst -sha256 -binary -out "$work/digest" "$work/password"
pkcs11-tool --module "$softhsm" --login --pin 123456 --sign --mechanism ECDSA --signature-format openssl --id 02 \
    --input-file "$work/digest" --output-file "$work/signature" >/dev/null 2>&1
openssl x509 -in "$work/ec.pem" -noout -pubkey >"$work/ec.pub"
openssl dgst -sha256 -verify "$work/ec.pub" -signature "$work/signature" "$work/password" >/dev/null ||
    fail 'the P-256 key does not sign'
ok 'a P-256 key from PEM in its place with --replace --yes: the old pair and its R are gone'

openssl req -x509 -newkey rsa:3072 -nodes -keyout "$work/rsa.key" -out "$work/rsa.pem" -subj /CN=km -days 3 \
    -addext keyUsage=critical,keyEncipherment 2>/dev/null
openssl pkcs8 -topk8 -in "$work/rsa.key" -v2 aes-256-cbc -passout "file:$work/password" -outform DER -out "$work/kmPri.key"
mkdir "$work/km"
cp "$work/kmPri.key" "$work/km/KMPRI.KEY"
openssl x509 -in "$work/rsa.pem" -outform DER -out "$work/km/kmcert.DER"
expect_exit 0 move "$work/km" 9d --km
printf 'for its eyes' | openssl pkeyutl -encrypt -certin -inkey "$work/rsa.pem" -out "$work/sealed"
pkcs11-tool --module "$softhsm" --login --pin 123456 --decrypt --mechanism RSA-PKCS --id 03 --input-file "$work/sealed" \
    --output-file "$work/clear" >/dev/null 2>&1
[ "$(cat "$work/clear")" = 'for its eyes' ] || fail 'the km key does not decrypt'
ok 'a pair for decrypting (km, RSA-3072): it decrypts'

expect_exit 0 move "$tree" 9a --without-random
says 'stays in the file only'
[ "$(softhsm_count Data)" -eq 0 ] || fail 'R was written'
expect_exit 9 move "$tree" 9a
expect_exit 0 move "$tree" 9a --replace --delete-source --yes
softhsm_works 01 9a
[ ! -e "$tree" ] || fail 'the files are still there'
expect_exit 8 move "$tree" 9a
ok 'without R when asked; with --delete-source the files go after the check'

[ "$(find "$HOME" -type f -perm /077)" = '' ] || fail 'others may read what the tool keeps'
! grep -rqs "npki2026\|123456\|$random" "$HOME" || fail 'a secret was kept'
stack_done
