#!/bin/sh
# Factors that a telephone or a bank account brings: mobile OTP, the PIN of a mobile certificate, the password of an
# account, the code of two digits; and classes that ask for them.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init=--test-profile
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="$desk_init --db $postgres"
fi
desk_serve
checks_set
printf '%s\n' 900101-1234568 >"$work/number"
desk_exit 0 customer add --name 홍길동 --kind individual --identity-file "$work/number" --phone 010-1234-5678
customer=$(value customer)
identity() {
    desk_exit 0 identity check --customer "$customer" --kind phone
}
answer() {
    printf '%s\n' "$2" >"$work/answer"
    desk_exit "$1" factor verify --factor "$factor" --answer-file "$work/answer"
}

identity
desk_exit 4 application add --customer "$customer" --class joint --agree
says 'mobile OTP first'
desk_exit 2 factor add --customer "$customer" --kind mobile-otp --secret-file "$work/number"
desk_exit 0 factor enrol --customer "$customer" --secret-out "$work/uri"
factor=$(value factor)
[ "$(stat -c %a "$work/uri")" = 600 ] || fail 'others may read the secret'
! grep -q otpauth "$work/out" || fail 'the secret was printed too'
secret=$(sed 's/.*secret=\([A-Z2-7=]*\)&.*/\1/' "$work/uri")
desk_exit 4 factor enrol --customer "$customer"
says 'not proved'
answer 0 "$(oathtool --totp -b "$secret")"
answer 4 "$(oathtool --totp -b "$secret")"
says used
identity
desk_exit 0 application add --customer "$customer" --class joint --agree
identity
desk_exit 0 factor enrol --customer "$customer"
desk_exit 8 factor verify --factor "$factor" --answer-file "$work/answer"
ok 'without a medium a mobile OTP comes first; a new one ends the old one'

echo 123456 >"$work/pin"
desk_exit 2 factor add --customer "$customer" --kind mobile-pin --secret-file "$work/pin"
echo 777777 >"$work/pin"
desk_exit 2 factor add --customer "$customer" --kind mobile-pin --secret-file "$work/pin"
echo 48213 >"$work/pin"
desk_exit 2 factor add --customer "$customer" --kind mobile-pin --secret-file "$work/pin"
says 'six\|6 digits'
echo 482137 >"$work/pin"
desk_exit 0 factor add --customer "$customer" --kind mobile-pin --secret-file "$work/pin" --tries 3
factor=$(value factor)
answer 4 482137
says 'no open challenge'
desk_exit 0 factor challenge --factor "$factor"
answer 0 482137
answer 4 482137
says 'no open challenge'
desk_exit 0 factor unlock --factor "$factor"
desk_exit 0 factor challenge --factor "$factor"
answer 4 482138
answer 4 4821377
answer 5 482138
says 'locked now'
answer 5 482137
ok 'the PIN of a mobile certificate: six digits, one answer a challenge, locked after its tries'

printf '%s\n' 123-456-789012 >"$work/account"
desk_exit 0 account add --customer "$customer" --number-file "$work/account"
account=$(value account)
echo 12345 >"$work/password"
desk_exit 2 factor add --customer "$customer" --kind account --account "$account" --secret-file "$work/password"
echo 5907 >"$work/password"
desk_exit 2 factor add --customer "$customer" --kind account --secret-file "$work/password"
desk_exit 8 factor add --customer "$customer" --kind account --account A000000000000 --secret-file "$work/password"
desk_exit 0 factor add --customer "$customer" --kind account --account "$account" --secret-file "$work/password"
factor=$(value factor)
identity
desk_exit 4 factor enrol --customer "$customer"
answer 4 5906
answer 0 5907
desk_exit 0 factor enrol --customer "$customer" --secret-out "$work/uri2"
otp=$(value factor)
secret=$(sed 's/.*secret=\([A-Z2-7=]*\)&.*/\1/' "$work/uri2")
desk_exit 2 class set --class joint --needs 'factor'
desk_exit 0 class set --class joint --needs 'identity account factor'
identity
factor=$otp
answer 0 "$(oathtool --totp -b "$secret")"
desk_exit 4 application add --customer "$customer" --class joint --agree
desk_exit 0 factor list --customer "$customer" --json
factor=$(jq -r '.factors[] | select(.kind == "account") | .factor' "$work/out")
answer 0 5907
desk_exit 0 application add --customer "$customer" --class joint --agree
desk_exit 0 class set --class joint --needs 'identity factor'
ok 'an account and its password, asked for by a class that says so'

cat >"$work/message" <<MESSAGE
#!/bin/sh
jq -r 'select(.kind == "message" and .phone == "010-1234-5678") | .code' >>"$work/sent"
echo '{"result":"passed"}'
MESSAGE
chmod 700 "$work/message"
desk_exit 0 factor add --customer "$customer" --kind phone-code
factor=$(value factor)
desk_exit 8 factor challenge --factor "$factor"
says 'identity program'
desk_exit 0 identity program --kind message --program "$work/message"
desk_exit 2 identity check --customer "$customer" --kind message
desk_exit 0 factor challenge --factor "$factor"
desk_exit 0 factor challenge --factor "$factor"
[ "$(wc -l <"$work/sent")" -eq 1 ] || fail 'sent twice'
code=$(tail -n 1 "$work/sent")
answer 4 "$(printf '%02d' $(((1${code} + 1) % 100)))"
answer 4 "$code"
says 'no open challenge'
desk_exit 0 factor unlock --factor "$factor"
desk_exit 0 factor challenge --factor "$factor"
code=$(tail -n 1 "$work/sent")
answer 0 "$code"
desk_exit 0 factor challenge --factor "$factor"
INGAM_ISSUER_CLOCK_OFFSET=181 answer 4 "$(tail -n 1 "$work/sent")"
says 'no open challenge'
for try in 1 2; do
    desk_exit 0 factor challenge --factor "$factor"
    answer "$((try + 3))" 1
done
desk_exit 5 factor challenge --factor "$factor"
[ "$(wc -l <"$work/sent")" -eq 4 ] || fail "$(cat "$work/sent")"
printf '#!/bin/sh\necho nonsense\n' >"$work/message"
desk_exit 0 factor unlock --factor "$factor"
desk_exit 0 factor list
INGAM_ISSUER_CLOCK_OFFSET=1000 desk_exit 1 factor challenge --factor "$factor"
ok 'the code on the telephone: two digits, one answer a message, three tries, three minutes'

for word in 482137 "$secret"; do
    ! grep -rqF "$word" "$desk" || fail "$word is in the desk's files"
    ! desk_do log list | cut -d' ' -f3- | grep -F " $word" || fail "$word is in the log"
done
desk_exit 0 log verify
ok 'no password, PIN or secret is in the clear'
stop serve
stack_done
