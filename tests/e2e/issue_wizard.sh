#!/bin/sh
# ingam issue without a reference number: the certificate centre's steps at a terminal and by options, the second factor made by
# the token itself; what the centre refuses; killed in the middle.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=issuer_lib.sh
. "$SOURCE/tests/e2e/issuer_lib.sh"
# shellcheck source-path=SCRIPTDIR source=issuer_life_lib.sh
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
# shellcheck source-path=SCRIPTDIR source=issuer_pages_lib.sh
. "$SOURCE/tests/e2e/issuer_pages_lib.sh"
desk_init=--test-profile
pages_serve
checks_set
tty="$BUILD/tests/e2e/tool_on_tty"
printf '123456\n' >"$work/pin"
head -c 20 /dev/urandom | base32 >"$work/secret"

# person NAME NUMBER: a customer whose OTP is on the token; sets customer and bank (the factor).
person() {
    customer_add "$1" individual "$2"
    desk_exit 0 factor add --customer "$customer" --kind hotp --secret-file "$work/secret" --label "Bank:$1"
    bank=$(value factor)
    "$ingam" otp add "Bank:$1" --type hotp --secret-file "$work/secret" 2>/dev/null
    printf '%s\n' "$2" >"$work/number"
}
sessions() {
    grep -c 'api=sessions' "$work/serve.err" || true
}
# by_options CODE OPTION...: everything as an option, but what is given anew.
by_options() {
    wanted=$1
    shift
    # shellcheck disable=SC2086 # the address is one word, or none
    expect_exit "$wanted" "$ingam" issue ${centre-"--centre=$pages"} --tls-ca "$work/tls.crt" --agree --customer "$customer" \
        --number-file "$work/number" --check phone --class joint --fee 0 --confirm --key-type p256 --pin-file "$work/pin" \
        --default-admin "$@"
}

customer=C000000000000
printf "9001011234567\n" >"$work/number"
# Before anything is asked of the desk.
export INGAM_SIM="unix:$work/none.sock"
by_options 3 9a --otp Bank
unset INGAM_SIM
start_sim token --profile yubikey-5.7 --serial 4242
person 홍길동 9001011234567
by_options 2 --otp Bank
says 'slot'
by_options 2 9a --centre "http://192.0.2.1/"
says 'no address'
[ "$(sessions)" -eq 0 ] || fail 'the desk was asked already'
by_options 9 9a --tls-ca "$desk/ca.crt"
says 'could not prove'
by_options 13 9a --centre https://127.0.0.1:1
ok 'token, slot and address are known to be right before anything is applied for'

by_options 0 9a --otp "Bank:홍길동" --json
jq -e '.schema == 1 and .slot == "9a" and (.reference | length) > 0 and (.subject | contains("홍길동"))' "$work/out" >/dev/null ||
    fail "$(cat "$work/out")"
says 'The token makes the one-time password: Bank:홍길동'
"$ingam" cert export 9a >"$work/9a.pem" 2>/dev/null
openssl verify -CAfile "$desk/ca.crt" "$work/9a.pem" >/dev/null || fail "not of the desk's CA"
status_is "$(serial_of "$work/9a.pem")" valid
[ -z "$(find "$HOME" -name 'application.*')" ] || fail 'the application is kept'
ok 'all steps by options, the second factor by the token: a certificate, in one command'

# At a terminal, in Korean; the medium's name at the desk finds the token's OTP.
LANGUAGE=ko expect_exit 0 "$tty" "$pages" 예 "$customer" 900101-1234567 1 1 1 "$bank" 예 예 9c 123456 -- "$ingam" issue \
    --tls-ca "$work/tls.crt" --key-type p256 --default-admin
for text in '인증센터 주소' '모두 동의하십니까' '사용자' '번호를 토큰이 만듭니다: Bank:홍길동' '무료' '900101-1\*\*\*\*\*\*' '슬롯'; do
    grep -q "$text" "$work/out" || fail "does not show '$text': $(cat "$work/out")"
done
! grep -q '1234567\|123456$' "$work/out" || fail 'a secret was shown'
"$ingam" cert export 9c >"$work/9c.pem" 2>/dev/null
openssl verify -CAfile "$desk/ca.crt" "$work/9c.pem" >/dev/null || fail "9c: not of the desk's CA"
ok 'led through it at a terminal, in Korean'

# What is refused: said, and at a terminal asked again. The desk makes five identity checks for a person in ten minutes.
by_options 9 9d --otp Bank --fee 100
says 'fee is 0 won'
printf '9001011234568\n' >"$work/number"
by_options 4 9d --otp Bank
says 'identity-wrong'
printf '9001011234567\n' >"$work/number"
before=$(sessions)
by_options 8 9d --otp Nobody
[ "$(sessions)" -eq "$before" ] || fail 'the desk was asked'
expect_exit 2 "$ingam" issue 9d --centre "$pages" --tls-ca "$work/tls.crt"
says 'agree to all of them with --agree'
expect_exit 130 "$tty" no -- "$ingam" issue 9d --centre "$pages" --tls-ca "$work/tls.crt"
by_options 14 9d --otp Bank --class financial
says 'one-only'
expect_exit 0 "$tty" 1 1 2 1 -- "$ingam" issue 9d --centre "$pages" --tls-ca "$work/tls.crt" --agree --customer "$customer" \
    --number-file "$work/number" --check phone --factor "$bank" --fee 0 --confirm --key-type p256 --pin-file "$work/pin" \
    --default-admin
by_options 5 9e --otp Bank
says 'check-too-often'
ok 'a wrong number exit 4, another fee 9, terms not agreed to 130, a rule of the desk 14, too many checks 5'

person 이순신 8001011234561
printf '000000\n' >"$work/answer"
for try in 1 2 3 4; do
    by_options 4 9e --factor "$bank" --answer-file "$work/answer"
    says "factor-wrong"
done
by_options 5 9e --factor "$bank" --answer-file "$work/answer"
ok "a wrong second factor exit 4, a locked one $try tries later exit 5"

# A fee that is due: the application stands, and goes on when it is paid.
person 유관순 8001012234561
by_options 2 9e --otp Bank:유관순 --class nonsense
by_options 14 9e --otp Bank:유관순 --class joint-general --fee 4400
says 'stands until'
reference=$(jq -r .reference "$HOME/.local/state/ingam/application.json")
[ "$(stat -c %a "$HOME/.local/state/ingam/application.code")" = 600 ] || fail 'others can read the code'
desk_exit 0 fee pay --reference "$reference"
by_options 0 9e
says "Going on with the application $reference"
ok 'an application whose fee is due stands; when it is paid the same command goes on'

# Killed at each moment at which something becomes durable before the issue itself.
person 김영희 8501012234567
moment=1
while [ "$moment" -le 4 ]; do
    got=0
    LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL="$moment:after" "$ingam" issue 8"$((moment + 1))" \
        --centre "$pages" --tls-ca "$work/tls.crt" --agree --customer "$customer" --number-file "$work/number" --check phone \
        --class joint --otp "Bank:김영희" --fee 0 --confirm --key-type p256 --pin-file "$work/pin" --default-admin \
        >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" -eq 137 ] || fail "killed at $moment it ended with $got: $(cat "$work/err")"
    before=$(sessions)
    # What was begun knows where.
    centre=''
    by_options 0 8"$((moment + 1))" --otp "Bank:김영희"
    unset centre
    [ "$(sessions)" -eq "$before" ] || fail "killed at $moment: it applied a second time"
    [ -z "$(find "$HOME" -name 'application.*' -o -name 'issue-*.json')" ] || fail "killed at $moment: something is left"
    moment=$((moment + 1))
done
[ "$(desk_do application list --json | jq "[.applications[] | select(.customer == \"$customer\")] | length")" -eq 4 ] ||
    fail 'not one application for each certificate'
ok 'killed between the steps: the same command goes on with the same application'
! grep -rq "$(cat "$work/secret")\|9001011234567" "$work/token.log" "$work/serve.err" || fail 'a secret is in a log'
stack_done
