#!/bin/sh
# ingam sign: CMS and bare signatures with each kind of key; openssl verifies.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
printf '123456\n' >"$work/pin"
start_sim token --serial 4242 --profile yubikey-5.4
foreign_ca
seq 20000 >"$work/text"
cp "$work/text" "$work/bad" && printf x >>"$work/bad"
set -- --pin-file "$work/pin"
verify() {
    openssl cms -verify -binary -CAfile "$work/ca.pem" -purpose any "$@" >"$work/verified" 2>"$work/err"
}

for pair in 9c:rsa2048 9a:p256 9d:p384; do
    slot=${pair%:*}
    rm -f "$work"/text.*
    "$ingam" key generate "$slot" --key-type "${pair#*:}" --default-admin >"$work/$slot.pub" 2>"$work/err" ||
        fail "$(cat "$work/err")"
    expect_exit 8 "$ingam" sign "$work/text" "$slot" "$@"
    certificate_for "$work/$slot.pub" "$work/$slot.pem"
    expect_exit 0 "$ingam" cert import "$slot" --file "$work/$slot.pem" --default-admin
    expect_exit 0 "$ingam" sign "$work/text" "$slot" "$@"
    verify -inform DER -in "$work/text.p7s" -content "$work/text" || fail "$slot: $(cat "$work/err")"
    cmp -s "$work/verified" "$work/text" || fail "$slot: something else was signed"
    ! verify -inform DER -in "$work/text.p7s" -content "$work/bad" || fail "$slot: a changed file passes"
    expect_exit 0 "$ingam" sign "$work/text" "$slot" --attached --pem "$@"
    verify -inform PEM -in "$work/text.p7m" || fail "$slot: $(cat "$work/err")"
    cmp -s "$work/verified" "$work/text" || fail "$slot: something else is in it"
    hash=sha256
    [ "$slot" != 9d ] || hash=sha384
    expect_exit 0 "$ingam" sign "$work/text" --slot "$slot" --raw "$@"
    openssl dgst -$hash -verify "$work/$slot.pub" -signature "$work/text.sig" "$work/text" >/dev/null ||
        fail "$slot: openssl does not take the bare signature"
done
ok 'CMS, detached and with the file in it, and bare signatures: RSA-2048, P-256, P-384'

expect_exit 9 "$ingam" sign "$work/text" 9a "$@"
says 'is there already'
expect_exit 0 "$ingam" sign "$work/text" 9a --replace "$@"
"$ingam" sign - 9a --out - "$@" <"$work/text" >"$work/out" 2>"$work/err" || fail "$(cat "$work/err")"
verify -inform DER -in "$work/out" -content "$work/text" || fail "$(cat "$work/err")"
"$ingam" sign - 9a --raw --json "$@" <"$work/text" >"$work/out" 2>"$work/err" || fail "$(cat "$work/err")"
jq -r .value "$work/out" | base64 -d >"$work/sig"
openssl dgst -sha256 -verify "$work/9a.pub" -signature "$work/sig" "$work/text" >/dev/null || fail "$(cat "$work/out")"
expect_exit 2 "$ingam" sign "$work/nothing" "$@"
expect_exit 2 "$ingam" sign "$work/text" 9a --raw --pem "$@"
expect_exit 2 "$ingam" sign
expect_exit 8 "$ingam" sign "$work/text" 82 --raw --out "$work/new" "$@"
[ ! -e "$work/new" ] || fail 'a file of a signature that was not made'
expect_exit 4 "$ingam" sign "$work/text" 9a --out "$work/new"
expect_exit 1 "$ingam" sign "$work/text" 9a --out "$work/no/such/folder" "$@"
ok 'standard input and output, JSON; nothing is overwritten, nothing half written'

# A card whose keys want a code: 9A with the PIN once, 9C for each signature.
INGAM_SIM=
start_sim codes --profile otp-card
hex=3132333435363738393031323334353637383930
printf '12345678901234567890' | base32 >"$work/secret"
oathtool --hotp -c 0 "$hex" >"$work/code0"
printf '123456%s\n' "$(oathtool --hotp -c 1 "$hex")" >"$work/pin1"
for slot in 9a 9c; do
    "$ingam" key generate $slot --key-type p256 --default-admin >"$work/$slot.pub" 2>"$work/err" || fail "$(cat "$work/err")"
    certificate_for "$work/$slot.pub" "$work/$slot.pem"
    expect_exit 0 "$ingam" cert import $slot --file "$work/$slot.pem" --default-admin
done
expect_exit 0 "$ingam" otp secret set --secret-file "$work/secret" --default-admin
expect_exit 0 "$ingam" otp gate 9a once --default-admin
expect_exit 0 "$ingam" otp gate 9c always --default-admin
rm -f "$work"/text.*
expect_exit 4 "$ingam" sign "$work/text" 9c "$@"
says 'one-time code'
expect_exit 4 "$ingam" sign "$work/text" 9a "$@"
[ ! -e "$work/text.p7s" ] || fail 'signed without a code'
expect_exit 0 "$ingam" sign "$work/text" 9c "$@" --code-file "$work/code0"
verify -inform DER -in "$work/text.p7s" -content "$work/text" || fail "$(cat "$work/err")"
expect_exit 0 "$ingam" sign "$work/text" 9a --replace --pin-file "$work/pin1"
verify -inform DER -in "$work/text.p7s" -content "$work/text" || fail "$(cat "$work/err")"
expect_exit 4 "$ingam" sign "$work/text" 9c --replace "$@" --code-file "$work/code0"
"$ingam" token info --json >"$work/out" 2>/dev/null
[ "$(jq -r '.token.code_tries' "$work/out")" = 4 ] || fail "$(cat "$work/out")"
ok 'keys that want a code: with the PIN, or for the signature; the same code serves once'
stack_done
