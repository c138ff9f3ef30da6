#!/bin/sh
# Keys that were made on the token, brought to it, or moved on it: ingam key attest, import, move.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
printf '123456\n' >"$work/pin"
start_sim token --serial 4242 --profile yubikey-5.7 --control "unix:$work/control"
"$sim" --attestation-root >"$work/root.pem"
foreign_ca

# made SLOT TYPE: a key on the token; its public half is in $work/SLOT.pub.
made() {
    "$ingam" key generate "$1" --key-type "$2" --default-admin >"$work/$1.pub" 2>"$work/err" || fail "$(cat "$work/err")"
}
made 9a p256
expect_exit 0 "$ingam" key attest 9a --ca "$work/root.pem"
says 'its maker vouches'
openssl verify -CAfile "$work/root.pem" -untrusted "$work/out" "$work/out" >/dev/null 2>&1 ||
    fail "openssl does not take the chain: $(cat "$work/out")"
openssl x509 -in "$work/out" -noout -pubkey | cmp -s - "$work/9a.pub" || fail 'the attestation is about another key'
for line in 'firmware: 5.7.4' 'serial number of the token: 4242' 'PIN wanted: once' 'touch wanted: never' 'key: p256'; do
    grep -qx "$line" "$work/out" || fail "'$line' is missing: $(cat "$work/out")"
done
expect_exit 0 "$ingam" key attest 9a --json
[ "$(jq -r '[.slot, .key_type, .token_serial, .pin_policy, .verified] | join(" ")' "$work/out")" = '9a p256 4242 once false' ] ||
    fail "$(cat "$work/out")"
jq -r .attestation "$work/out" | openssl x509 -noout -subject | grep -q 'Attestation 9a' || fail "$(cat "$work/out")"
expect_exit 9 "$ingam" key attest 9a --ca "$work/ca.pem"
says 'does not lead to'
expect_exit 2 "$ingam" key attest 9a --ca "$work/nothing.pem"
expect_exit 8 "$ingam" key attest 9c
says 'made on them'
expect_exit 2 "$ingam" key attest 9z
ok 'key attest: the chain to the root is judged by openssl; another root is exit 9, an empty slot 8'

openssl ecparam -name prime256v1 -genkey -noout -out "$work/ec.pem" 2>/dev/null
openssl genrsa -out "$work/rsa.pem" 2048 2>/dev/null
openssl pkcs8 -topk8 -in "$work/rsa.pem" -passout pass:letmein -out "$work/sealed.pem"
openssl pkey -in "$work/rsa.pem" -pubout -out "$work/rsa.pub"
openssl pkey -in "$work/ec.pem" -pubout -out "$work/ec.pub"
certificate_for "$work/ec.pub" "$work/ec.crt"
openssl pkcs12 -export -inkey "$work/ec.pem" -in "$work/ec.crt" -passout pass:letmein -out "$work/ec.p12"
printf 'letmein\n' >"$work/password"
expect_exit 0 "$ingam" key import "$work/sealed.pem" 9d --password-file "$work/password" --default-admin
says 'no certificate yet'
expect_exit 0 "$ingam" key import "$work/ec.p12" 82 --password-file "$work/password" --default-admin
says 'Key and certificate are on the token'
# signed SLOT ID PUB MECHANISM: pkcs11-tool signs with the key there, openssl verifies.
printf 'a text to be signed\n' >"$work/text"
signed() {
    p11 --login --pin 123456 --sign --id "$1" -m "$3" --signature-format openssl -i "$work/text" -o "$work/sig" \
        >"$work/said" 2>&1 || fail "$(cat "$work/said")"
    openssl dgst -sha256 -verify "$2" -signature "$work/sig" "$work/text" >/dev/null || fail "slot of id $1: another key"
}
signed 03 "$work/rsa.pub" SHA256-RSA-PKCS
signed 05 "$work/ec.pub" ECDSA-SHA256
expect_exit 9 "$ingam" key import "$work/ec.pem" 9d --default-admin
says 'already holds'
expect_exit 0 "$ingam" key import "$work/sealed.pem" 9d --password-file "$work/password" --default-admin
expect_exit 2 "$ingam" key import "$work/ec.pem" 9d --default-admin --replace
expect_exit 0 "$ingam" key import "$work/ec.pem" 9d --default-admin --replace --yes --json
[ "$(jq -r '[.slot, .key_type, .certificate] | join(" ")' "$work/out")" = '9d p256 false' ] || fail "$(cat "$work/out")"
expect_exit 7 "$ingam" key attest 9d
expect_exit 4 "$ingam" key import "$work/sealed.pem" 9e --password-file "$work/pin" --default-admin
expect_exit 2 "$ingam" key import "$work/ec.pem"
expect_exit 7 "$ingam" key import 9a 9e --default-admin
openssl genpkey -algorithm ED448 -out "$work/other.pem" 2>/dev/null
expect_exit 7 "$ingam" key import "$work/other.pem" 9e --default-admin
ok 'key import: PEM, PKCS#8 and PKCS#12; never over another key'

# held SLOT...: in these slots are the certificates, and nowhere else.
held() {
    "$ingam" cert list --json >"$work/out" 2>"$work/err" || fail "$(cat "$work/err")"
    [ "$(jq -r '[.certificates[].slot] | join(" ")' "$work/out")" = "$*" ] || fail "not in $*: $(cat "$work/out")"
}
expect_exit 0 "$ingam" key move 82 85 --default-admin --json
[ "$(jq -r '[.from, .to, .certificate] | join(" ")' "$work/out")" = '82 85 true' ] || fail "$(cat "$work/out")"
held 85
signed 08 "$work/ec.pub" ECDSA-SHA256
expect_exit 8 "$ingam" key move 82 86 --default-admin
expect_exit 9 "$ingam" key move 85 9d --default-admin
expect_exit 2 "$ingam" key move 85 85 --default-admin
# the move is refused, then the card is pulled right behind it: the same command goes on
"$sim" ctl "unix:$work/control" fault ins=MOVE-KEY,sw=6F00,times=1
expect_exit 1 "$ingam" key move 85 84 --default-admin
held 84 85
signed 08 "$work/ec.pub" ECDSA-SHA256
"$sim" ctl "unix:$work/control" fault ins=MOVE-KEY,remove-after,times=1
! "$ingam" key move 85 84 --default-admin >"$work/out" 2>&1 || fail 'moved, although the card is gone'
"$sim" ctl "unix:$work/control" insert
held 84 85
signed 07 "$work/ec.pub" ECDSA-SHA256
expect_exit 0 "$ingam" key move 85 84 --default-admin
held 84
signed 07 "$work/ec.pub" ECDSA-SHA256
ok 'key move: with its certificate, never over another key; what was interrupted goes on'

INGAM_SIM=
start_sim older --serial 6 --profile yubikey-5.4
made 9a p256
expect_exit 7 "$ingam" key move 9a 82 --default-admin
says '5.7'
INGAM_SIM=
start_sim plain --serial 5 --profile piv
expect_exit 7 "$ingam" key import "$work/ec.pem" 9e --default-admin
expect_exit 7 "$ingam" key attest 9a
expect_exit 7 "$ingam" key move 9a 82 --default-admin
ok 'older YubiKeys move none, plain PIV cards take, attest and move none (exit 7)'
stack_done
