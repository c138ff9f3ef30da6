#!/bin/sh
# A certificate of another bank on a token is registered at our desk by its key, and taken back.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_life_lib.sh
. "$SOURCE/tests/e2e/tool_life_lib.sh"

start_sim token --profile yubikey-5.4
desk_at
checks_set
foreign_ca
desk_exit 0 institution add --name '다른은행' --certificate-file "$work/ca.pem"
customer_add 홍길동 individual 900101-1234568
for slot in 9a 9c; do
    [ $slot = 9a ] && type=p256 || type=rsa2048
    "$ingam" key generate $slot --key-type "$type" --default-admin >"$work/$slot.pub" 2>/dev/null
    certificate_for "$work/$slot.pub" "$work/$slot.pem"
    expect_exit 0 "$ingam" cert import $slot --file "$work/$slot.pem" --default-admin --pin-file "$work/pin"
done
# shellcheck disable=SC2317 # called through expect_exit
with_code() {
    "$ingam" "$@" --issuer "$url" --reference "$reference" --code-file "$work/code.$who" --pin-file "$work/pin"
}
registered() {
    desk_do foreign list --json | jq '[.certificates[] | select(.state == "registered")] | length'
}

who=first
apply "$customer" first --kind register
printf 'AAAAA-BBBBB-CCCCC-DDDDD\n' >"$work/code.wrong"
who=wrong expect_exit 14 with_code register 9a
expect_exit 8 with_code register 9d
[ "$(registered)" = 0 ] || fail 'registered'
expect_exit 0 with_code register 9a --json
[ "$(jq -r '.state' "$work/out")" = registered ] || fail "$(cat "$work/out")"
expect_exit 0 with_code register 9a
[ "$(registered)" = 1 ] || fail 'not registered once'
apply "$customer" second --kind register
who=second expect_exit 0 with_code register 9c
[ "$(registered)" = 2 ] || fail 'the RSA one is not registered'
ok 'registered by the keys on the token; asking once more changes nothing; a wrong code is refused'

first=$customer
customer_add 성춘향 individual 910203-2345674
apply "$customer" other --kind register
who=other expect_exit 14 with_code register 9a
openssl req -x509 -key "$work/ca.key" -subj '/CN=Unknown CA' -days 3 -out "$work/unknown.pem" -addext keyUsage=critical,keyCertSign
"$ingam" key generate 9d --key-type p256 --default-admin >"$work/9d.pub" 2>/dev/null
openssl x509 -req -in "$work/other.csr" -force_pubkey "$work/9d.pub" -CA "$work/unknown.pem" -CAkey "$work/ca.key" -days 3 \
    -set_serial 9 -out "$work/9d.pem" 2>/dev/null
expect_exit 0 "$ingam" cert import 9d --file "$work/9d.pem" --default-admin --pin-file "$work/pin"
who=other expect_exit 14 with_code register 9d
apply "$customer" issue --class joint
who=issue expect_exit 14 with_code register 9d
start_foreign foreign 'the code' -rsp_cert "$work/9d.pem"
printf 'the code\n' >"$work/code.foreign"
expect_exit 14 "$ingam" register 9d --pin-file "$work/pin" --issuer "$url" --reference 4711 --code-file "$work/code.foreign"
says 'does not do what was asked'
url=http://$server/cmp
[ "$(registered)" = 2 ] || fail 'registered'
ok "another person's certificate, one of an unknown CA, and a code for something else are refused"

apply "$first" away --kind unregister
expect_exit 0 "$ingam" unregister 9a --issuer "$url" --reference "$reference" --code-file "$work/code.away"
[ "$(registered)" = 1 ] || fail 'not taken back'
stop token
unset INGAM_SIM
apply "$first" gone --kind unregister
expect_exit 0 "$ingam" unregister --cert "$work/9c.pem" --issuer "$url" --reference "$reference" \
    --code-file "$work/code.gone"
[ "$(registered)" = 0 ] || fail 'not taken back'
ok 'taken back by its slot, and by its file when the token is gone'

# R is kept by tokens that keep data objects.
softhsm_new "card one"
expect_exit 2 "$ingam" register 9a --module "$softhsm" --send-random --issuer http://desk.example/cmp --reference 1 \
    --code-file "$work/code.first"
says 'https'
. "$SOURCE/tests/e2e/npki_lib.sh"
new_key() {
    "$ingam" key generate 9a --module "$softhsm" --pin-file "$work/pin" --key-type p256 --replace --yes >"$work/soft.pub" 2>/dev/null
    certificate_for "$work/soft.pub" "$work/soft.pem"
    expect_exit 0 "$ingam" cert import 9a --module "$softhsm" --file "$work/soft.pem" --pin-file "$work/pin" --replace --yes
}
new_key
apply "$first" soft --kind register
who=soft expect_exit 8 with_code register 9a --module "$softhsm" --send-random
npki_tree "$work"
expect_exit 0 "$ingam" move "$work/NPKI/yessign/USER/$person" 9a --module "$softhsm" --pin-file "$work/pin" \
    --password-file "$work/password" --replace --yes
new_key
who=soft expect_exit 0 with_code register 9a --module "$softhsm" --send-random
[ "$(registered)" = 1 ] || fail 'not registered'
ok 'R of the token goes along when it is asked for, and never in the clear'
stack_done
