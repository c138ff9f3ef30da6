#!/bin/sh
# A certificate on a token is renewed and reissued: the old one works until the new one is confirmed.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_life_lib.sh
. "$SOURCE/tests/e2e/tool_life_lib.sh"

start_sim token --profile yubikey-5.4
desk_at "$near_end"
checks_set
customer_add 홍길동 individual 900101-1234568
apply "$customer" first --class joint
life_issue 9a first
first=$(in_slot 9a)
[ "$(jq -r '.certificates[0].issuer' "$HOME"/.local/state/ingam/issued-*.json)" = "$url" ] || fail 'not in the record'
expect_exit 14 on_token renew 9a
says 'too early'
says 'Nothing on the token was changed'
[ "$("$ingam" key list --json | jq '.keys | length')" = 1 ] || fail 'a key was made for nothing'
ok 'a renewal before the last 30 days: exit 14, and no key is made for it'


# signs SLOT-ID SLOT: the key there signs for the certificate beside it, by foreign programs.
signs() {
    p11 --read-object --type cert --id "$1" 2>/dev/null | openssl x509 -inform DER -out "$work/slot.pem"
    openssl verify -CAfile "$desk/ca.crt" "$work/slot.pem" >/dev/null
    openssl x509 -in "$work/slot.pem" -pubkey -noout >"$work/slot.key"
    echo "I was here" >"$work/letter"
    p11 --login --pin 123456 --sign --id "$1" --mechanism ECDSA-SHA256 --signature-format openssl --input-file "$work/letter" \
        --output-file "$work/letter.sig" >/dev/null 2>&1
    openssl dgst -sha256 -verify "$work/slot.key" -signature "$work/letter.sig" "$work/letter" >/dev/null ||
        fail "the key in $2 does not sign for its certificate"
}
state_of() {
    jq -r --arg slot "$1" '.certificates[] | select(.slot == $slot) | .state' "$HOME"/.local/state/ingam/issued-*.json
}

# A renewal that was killed when its key was made.
desk_at
killed=0
LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL=2:after on_token renew 9a >"$work/out" 2>"$work/err" || killed=$?
[ "$killed" = 137 ] || fail "ended with $killed"
journal=$(find "$HOME" -name 'issue-*-82.json')
expect_exit 9 on_token issue 82 --issuer "$url" --reference 1 --code-file "$work/code.first"
says 'unfinished renewal of slot 9a'
expect_exit 9 on_token renew 9a --to 9c
says '--to 82'
expect_exit 16 "$ingam" status --json
jq -e '.certificates[0].renewing' "$work/out" >/dev/null || fail "$(cat "$work/out")"
exec 7>"$journal.lock"
flock 7
expect_exit 10 on_token renew 9a
exec 7>&-
cp "$journal" "$work/kept"
printf 'nonsense' >"$journal"
expect_exit 1 on_token renew 9a --to 82
says 'cannot be understood'
mv "$work/kept" "$journal"
ok 'an interrupted renewal: its slot is refused to others (9), a second run waits its turn (10), a broken journal is named (1)'

expect_exit 0 on_token renew 9a --json
jq -e --arg old "$first" '.slot == "82" and .replaces.slot == "9a" and .replaces.serial_number == $old' "$work/out" >/dev/null ||
    fail "$(cat "$work/out")"
second=$(in_slot 82)
[ "$(in_slot 9a)" = "$first" ] || fail 'the old certificate has gone'
status_is "$first" revoked
status_is "$second" valid
[ "$(state_of 9a) $(state_of 82)" = 'replaced valid' ] || fail "the record says $(state_of 9a) $(state_of 82)"
signs 05 82
signs 01 9a
[ -z "$(find "$HOME" -name 'issue-*.json')" ] || fail 'a journal is left'
ok 'renewed into a free slot, the old key still there, the old certificate revoked; the desk is known from the record'

expect_exit 14 on_token renew 9a
says 'renewed before'
says 'ingam reissue'
expect_exit 14 on_token renew 82
says 'too early'
expect_exit 8 on_token renew 9c
expect_exit 2 on_token renew 9a --to 9a
expect_exit 2 on_token renew 9a --to 77
expect_exit 13 on_token renew 9a --issuer http://127.0.0.1:1/cmp
ok 'a second renewal, one too early and one of nothing are refused'

# The desk is another one than it was: what it signs is below another CA.
"$issuer" init --dir "$work/desk2" --name 'Another' >/dev/null
start other "$issuer" serve --dir "$work/desk2" --listen 127.0.0.1:0
expect_exit 14 on_token renew 82 --issuer "${other_ready#ready }" --ca "$desk/ca.crt"
stop other
expect_exit 9 on_token renew 9a --issuer http://localhost:"$desk_port"/cmp
says '--ca FILE'
ok 'a desk that did not issue the certificate, and a desk whose CA is not known, renew nothing'

apply "$customer" again --kind reissue --class joint --serial "$second"
expect_exit 0 on_token reissue 82 --to 9c --issuer "$url" --reference "$reference" --code-file "$work/code.again" --key-type p384 \
    --delete-old
third=$(in_slot 9c)
status_is "$second" revoked
status_is "$third" valid
[ -z "$(in_slot 82)" ] || fail 'the old certificate was not deleted'
ok 'reissued with reference and code; --delete-old takes the old certificate off the token'

apply "$customer" once-more --kind reissue --class joint --serial "$third"
expect_exit 2 on_token reissue 9c --replace --issuer "$url" --reference "$reference" --code-file "$work/code.once-more"
says 'will be lost'
expect_exit 0 on_token reissue 9c --replace --yes --issuer "$url" --reference "$reference" --code-file "$work/code.once-more" \
    --key-type p256
status_is "$third" revoked
status_is "$(in_slot 9c)" valid
expect_exit 14 on_token reissue 9c --issuer "$url" --reference "$reference" --code-file "$work/code.once-more"
ok 'reissued in the same slot when the old key was given up; a spent code is refused'

# A key that wants the PIN for each signature has a successor that does, where the token can.
apply "$customer" strict --kind reissue --class joint --serial "$(in_slot 9c)"
expect_exit 0 on_token reissue 9c --to 83 --issuer "$url" --reference "$reference" --code-file "$work/code.strict"
strict=$(p11 --login --pin 123456 -O --type privkey 2>/dev/null | awk '/ ID:/ { id = $2 } /always auth/ { printf "%s ", id }')
[ "$strict" = '02 06 ' ] || fail "these want the PIN for each signature: $strict"
ok 'a key that wants the PIN for each signature is followed by one that does'

# A certificate that has expired.
"$ingam" key generate 9d --key-type p256 --default-admin >"$work/9d.pub" 2>/dev/null
foreign_ca
openssl req -new -key "$work/other.key" -subj /CN=old -out "$work/old.csr"
mkdir "$work/newcerts"
openssl x509 -req -in "$work/old.csr" -force_pubkey "$work/9d.pub" -CA "$work/ca.pem" -CAkey "$work/ca.key" -set_serial 5 \
    -days -1 -out "$work/old.pem" 2>/dev/null
expect_exit 0 "$ingam" cert import 9d --file "$work/old.pem" --default-admin --pin-file "$work/pin"
expect_exit 9 on_token renew 9d --issuer "$url"
says 'has expired'
says 'ingam reissue'
ok 'an expired certificate is not renewed: exit 9, and reissue is the way'

# A plain card has four slots for keys that it makes.
stop token
unset INGAM_SIM
start_sim plain
customer_add 성춘향 individual 910203-2345674
apply "$customer" plain --class joint
desk_at "$near_end"
life_issue 9a plain
desk_at
expect_exit 7 on_token renew 9a
says '--to 9c'
expect_exit 0 on_token renew 9a --to 9c
signs 02 9c
status_is "$(in_slot 9a)" revoked
ok 'a plain card takes the new key where it is told to'

# Larger keys, where the token makes them.
stop plain
unset INGAM_SIM
start_sim large --profile yubikey-5.7
apply "$customer" large --class joint
expect_exit 0 on_token issue 9a --issuer "$url" --reference "$reference" --code-file "$work/code.large" --key-type rsa3072
"$ingam" cert export 9a | openssl x509 -noout -text | grep -q '3072 bit' || fail 'another size'
ok 'an RSA key of 3072 bits, where the token makes them'
apply "$customer" home --kind reissue --class joint --serial "$(in_slot 9a)"
expect_exit 0 on_token reissue 9a --issuer "$url" --reference "$reference" --code-file "$work/code.home" --key-type p256 --delete-old
home=$(in_slot 82)
expect_exit 0 on_token key delete 9a --yes
expect_exit 0 "$ingam" key move 82 9a --default-admin
[ "$(in_slot 9a) $(in_slot 82)" = "$home " ] || fail "9a has $(in_slot 9a), 82 has $(in_slot 82)"
signs 01 9a
expect_exit 0 "$ingam" status 9a
ok 'where the token moves keys, the new one goes into the old slot afterwards'

# A token that is no PIV card.
stop large
unset INGAM_SIM
softhsm_new 'card one'
# shellcheck disable=SC2317 # called through expect_exit
soft() {
    "$ingam" "$@" --module "$softhsm" --pin-file "$work/pin"
}
desk_at "$near_end"
apply "$customer" soft --class joint
expect_exit 0 soft issue 9a --issuer "$url" --reference "$reference" --code-file "$work/code.soft" --key-type p256
old=$("$ingam" cert show 9a --module "$softhsm" --json | jq -r .serial_number)
desk_at
expect_exit 0 soft renew 9a --delete-old
status_is "$old" revoked
expect_exit 0 "$ingam" status --module "$softhsm" --json
[ "$(jq -r '[.certificates[] | .slot + " " + .state] | join(",")' "$work/out")" = '82 valid' ] || fail "$(cat "$work/out")"
ok 'renewed on a token that is no PIV card'
stack_done
