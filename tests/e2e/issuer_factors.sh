#!/bin/sh
# Second factors and identity checks: right, wrong, locked, replayed, expired, and programs that misbehave.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"

desk_init=--test-profile
desk_serve
checks_set
customer_add 홍길동 individual 900101-1234568

answer() {
    printf '%s\n' "$2" >"$work/answer"
    desk_exit "$1" factor verify --factor "$factor" --answer-file "$work/answer"
}
# RFC 4226 appendix D: 755224 287082 359152 969429 338314 254676 ...
answer 0 755224
answer 4 755224
says 'tries left'
answer 0 969429
answer 4 359152
answer 4 12345
answer 4 1234567
answer 4 abcdef
answer 5 000000
says 'locked now'
answer 5 254676
says 'is locked'
desk_do factor list --json | jq -e '.factors[0].state == "locked"' >/dev/null || fail 'not shown as locked'
desk_exit 0 factor unlock --factor "$factor"
answer 0 338314
echo 5 >"$work/counter.$customer"
ok 'HOTP: counted on, never back, locked after five wrong answers'

desk_exit 0 factor add --customer "$customer" --kind totp --secret-file "$work/otp" --tries 2
factor=$(value factor)
totp() {
    oathtool --totp -N "@$1" "$otp_hex"
}
now=$(date +%s)
answer 0 "$(totp "$now")"
answer 4 "$(totp "$now")"
says 'used'
answer 5 "$(totp $((now + 3000)))"
desk_exit 0 factor unlock --factor "$factor"
ok 'TOTP: an answer counts once, and only in its time'

for number in $(seq 1 35); do printf '%04d\n' $((number * 271 % 10000)); done >"$work/card"
desk_exit 2 factor add --customer "$customer" --kind card --secret-file "$work/otp"
desk_exit 0 factor add --customer "$customer" --kind card --secret-file "$work/card" --label 12345678
factor=$(value factor)
answer 4 1234
says 'no open challenge'
card_answer() {
    desk_exit 0 factor challenge --factor "$factor"
    asked=$(value challenge)
    first=${asked%%:*} second=${asked#* }
    second=${second%%:*}
    printf '%s%s' "$(sed -n "${first#0}p" "$work/card" | cut -c1-2)" "$(sed -n "${second#0}p" "$work/card" | cut -c3-4)"
}
right=$(card_answer)
again=$(card_answer)
[ "$right" = "$again" ] || fail 'asking again gave another challenge'
case $right in *0) wrong=${right%0}1 ;; *) wrong=${right%?}0 ;; esac
answer 4 "$wrong"
answer 0 "$right"
answer 4 "$right"
says 'no open challenge'
card_answer >/dev/null
INGAM_ISSUER_CLOCK_OFFSET=400 answer 4 "$(card_answer)"
says 'no open challenge'
ok 'security card: two halves of two numbers, one challenge, one answer, five minutes'

p256 "$work/key.pem"
p256 "$work/other.pem"
apply "$customer" joint --class joint
cmp joint "$work/key.pem" -certout "$work/joint.pem" || fail "$(cat "$work/cmp.out")"
serial=$(serial_of "$work/joint.pem")
desk_exit 0 factor add --customer "$customer" --kind signature
factor=$(value factor)
sign() {
    desk_exit 0 factor challenge --factor "$factor"
    value challenge | tr -d '\n' >"$work/challenge"
    openssl dgst -sha256 -sign "$1" -out "$work/answer" "$work/challenge"
}
verify() {
    desk_exit "$1" factor verify --factor "$factor" --answer-file "$work/answer" --serial "$serial"
}
sign "$work/other.pem"
verify 4
sign "$work/key.pem"
verify 0
verify 4
sign "$work/key.pem"
desk_exit 0 certificate suspend --serial "$serial"
verify 4
desk_exit 0 certificate resume --serial "$serial"
ok 'a signature by a valid certificate of the same customer, over this challenge'

desk_exit 2 factor add --customer "$customer" --kind telepathy
desk_exit 8 factor verify --factor F000000000000 --answer-file "$work/answer"
desk_exit 8 factor add --customer C000000000000 --kind signature
desk_exit 2 identity check --customer "$customer" --kind horoscope
ok 'unknown factors, customers and checks are said to be so'

customer_add liar individual 910101-1234566
desk_exit 4 identity check --customer "$customer" --kind departure
says 'not proved'
customer_add broken individual 920101-1234564
desk_exit 1 identity check --customer "$customer" --kind phone
says 'no result that can be read'
chmod 722 "$work/check"
desk_exit 11 identity program --kind sms --program "$work/check"
chmod 700 "$work/check"
desk_exit 2 identity program --kind sms --program check
desk_exit 8 identity program --kind sms --program "$work/nothing"
printf '#!/bin/sh\nexit 3\n' >"$work/fails"
printf '#!/bin/sh\nyes\n' >"$work/floods"
chmod 700 "$work/fails" "$work/floods"
for program in fails floods; do
    desk_exit 0 identity program --kind sms --program "$work/$program"
    desk_exit 1 identity check --customer "$customer" --kind sms
    says 'nothing was found out'
done
desk_exit 0 identity program --kind sms --program ''
desk_exit 8 identity check --customer "$customer" --kind sms
ok "a check that fails, says nonsense or floods proves nothing"
! desk_do log list | grep -E " 755224|$otp_base32" || fail 'a secret is in the log'
! grep -rqE "$otp_base32|12345678901234567890" "$desk" || fail 'a secret is in the registry in the clear'
ok 'no secret is in the log or the registry'
stop serve
stack_done
