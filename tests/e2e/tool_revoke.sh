#!/bin/sh
# Certificates are revoked, suspended and resumed: by their own key, by another of the same person, or by a code when the
# token is gone.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_life_lib.sh
. "$SOURCE/tests/e2e/tool_life_lib.sh"

start_sim token
desk_at
checks_set
customer_add 홍길동 individual 900101-1234568
for slot in 9a 9c 9d; do
    apply "$customer" "$slot" --class joint
    life_issue "$slot" "$slot"
    eval "serial_$slot=$(in_slot "$slot")"
done
# shellcheck disable=SC2317 # called through expect_exit
with_pin() {
    "$ingam" "$@" --pin-file "$work/pin"
}
record_of() {
    cat "$HOME"/.local/state/ingam/issued-*.json | jq -r --arg slot "$1" '.certificates[] | select(.slot == $slot) |
        .state + (.pending // "")'
}

expect_exit 0 with_pin suspend 9a --json
jq -e --arg n "$serial_9a" '.schema == 1 and .serial_number == $n and .state == "suspended"' "$work/out" >/dev/null || fail "$(cat "$work/out")"
status_is "$serial_9a" suspended
expect_exit 2 with_pin resume 9a
says 'cannot resume itself'
expect_exit 14 with_pin suspend 9c --signer 9a
says 'suspended'
expect_exit 0 with_pin resume 9a --signer 9c
status_is "$serial_9a" valid
ok 'suspended by its own key, resumed by the key of another certificate of the same person, not by itself'

expect_exit 0 with_pin suspend 9a
apply "$customer" resume --kind resume --serial "$serial_9a"
exchanges "$work/token.log" >"$work/before"
INGAM_SIM='' expect_exit 0 "$ingam" resume --number "$serial_9a" --reference "$reference" --code-file "$work/code.resume"
[ "$(exchanges "$work/token.log")" = "$(cat "$work/before")" ] || fail 'the token was asked'
status_is "$serial_9a" valid
[ "$(record_of 9a)" = valid ] || fail "the record: $(record_of 9a)"
ok 'resumed with reference and code, without a token'

expect_exit 2 with_pin revoke 9a
says 'for ever'
status_is "$serial_9a" valid
tty="$BUILD/tests/e2e/tool_on_tty"
expect_exit 130 "$tty" 123456 wrong -- "$ingam" revoke 9a
status_is "$serial_9a" valid
expect_exit 0 "$tty" 123456 "$(printf '%s' "$serial_9a" | tail -c 8)" -- "$ingam" revoke 9a --reason keyCompromise
status_is "$serial_9a" revoked
[ "$(desk_do certificate list --json | jq -r --arg n "$serial_9a" '.certificates[] | select(.serial == $n) | .reason')" = 1 ] ||
    fail 'another reason'
[ "$(record_of 9a)" = revoked ] || fail "the record: $(record_of 9a)"
expect_exit 0 with_pin revoke 9a --yes
expect_exit 14 with_pin suspend 9a
expect_exit 14 with_pin resume 9a --signer 9c
says 'ingam reissue'
ok 'revoked after the last digits were typed; once more is no harm, and there is no way back'

# The token is gone: the desk gives a code.
stop token
unset INGAM_SIM
apply "$customer" gone --kind revoke --serial "$serial_9c"
printf 'AAAAA-BBBBB-CCCCC-DDDDD\n' >"$work/wrong"
expect_exit 14 "$ingam" revoke --number "$serial_9c" --reference "$reference" --code-file "$work/wrong" --yes
expect_exit 14 "$ingam" revoke --number "$serial_9d" --reference "$reference" --code-file "$work/code.gone" --yes
says "another's certificate"
status_is "$serial_9d" valid
expect_exit 0 "$ingam" revoke --number "$serial_9c" --reference "$reference" --code-file "$work/code.gone" --yes
status_is "$serial_9c" revoked
ok 'of a token that is gone, with reference and code; not with a wrong code, and no other certificate than its own'
rm -rf "$HOME/.local"
apply "$customer" unknown --kind revoke --serial "$serial_9d"
expect_exit 2 "$ingam" revoke --number "$serial_9d" --reference "$reference" --code-file "$work/code.unknown" --yes
says 'issuer is missing'
expect_exit 0 "$ingam" revoke --number "$serial_9d" --reference "$reference" --code-file "$work/code.unknown" --issuer "$url" --yes
status_is "$serial_9d" revoked
ok 'by its number alone, where nothing is known of it'

# A second token gets two certificates, is lost, and a certificate on the third one revokes them.
start_sim second
lost=$("$ingam" token list --json | jq -r '.tokens[0].serial')
for slot in 9a 9c; do
    apply "$customer" "lost-$slot" --class joint
    life_issue "$slot" "lost-$slot"
    eval "lost_$slot=$(in_slot "$slot")"
done
expect_exit 0 with_pin suspend 9c
stop second
unset INGAM_SIM
start_sim third
apply "$customer" third --class joint
life_issue 9e third
third=$(in_slot 9e)
expect_exit 2 with_pin token lost "$lost"
says 'Who asks'
expect_exit 8 with_pin token lost 99999999 --signer 9e --yes
expect_exit 2 with_pin token lost "$lost" --signer 9e
says "$lost_9a"
status_is "$lost_9a" valid
apply "$customer" one --kind revoke --serial "$lost_9a"
expect_exit 2 "$ingam" token lost "$lost" --reference "$reference" --code-file "$work/code.one" --yes
says 'a code is for one'
expect_exit 0 with_pin token lost "$lost" --signer 9e --yes --json
[ "$(jq -r '.certificates[] | .slot + " " + .state' "$work/out" | tr '\n' ,)" = '9a revoked,9c revoked,' ] || fail "$(cat "$work/out")"
status_is "$lost_9a" revoked
status_is "$lost_9c" revoked
status_is "$third" valid
expect_exit 8 with_pin token lost "$lost" --signer 9e --yes
ok 'everything of a lost token is revoked by a certificate of the same person on another one'

# Somebody else's certificate can't.
customer_add 성춘향 individual 910203-2345674
apply "$customer" spring --class joint
life_issue 9d spring
expect_exit 14 with_pin revoke 9e --signer 9d --yes
says "another's certificate"
expect_exit 2 with_pin token lost "$("$ingam" token list --json | jq -r '.tokens[0].serial')" --signer 9d --yes
says 'not lost'
status_is "$third" valid
ok "another's certificate revokes nothing"

expect_exit 2 "$ingam" revoke --issuer "$url"
expect_exit 2 "$ingam" revoke 9a --number 12 --issuer "$url"
expect_exit 2 "$ingam" revoke --number xyz --issuer "$url"
expect_exit 2 "$ingam" revoke 9a --reason boredom
expect_exit 2 "$ingam" revoke --number 12 --issuer "$url"
expect_exit 2 "$ingam" revoke 9a --signer 9c --reference 1 --issuer "$url"
ok 'wrong usage is said'
stack_done
