#!/bin/sh
# A certificate whose second factor is the token's own one-time password: the desk and the token have the same
# secret, the token makes each code, and no code counts twice.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=issuer_lib.sh
. "$SOURCE/tests/e2e/issuer_lib.sh"
# shellcheck source-path=SCRIPTDIR source=issuer_life_lib.sh
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init=--test-profile
desk_serve
checks_set
start_sim token --serial 4242 --profile yubikey-5.7
printf '123456\n' >"$work/pin"
head -c 20 /dev/urandom | base32 >"$work/secret"

printf '900101-1234568\n' >"$work/number"
desk_exit 0 customer add --name 홍길동 --kind individual --identity-file "$work/number" --phone 010-0000-0000
customer=$(value customer)
for kind in hotp totp; do
    expect_exit 0 "$ingam" otp add "Bank:$kind" --type $kind --secret-file "$work/secret"
    desk_exit 0 factor add --customer "$customer" --kind $kind --secret-file "$work/secret"
    eval "$kind=$(value factor)"
done
# prove_by_token FACTOR NAME: answers the factor with the code that the token makes.
prove_by_token() {
    "$ingam" otp code "$2" 2>/dev/null |
        "$issuer" factor verify --dir "$desk" --factor "$1" --answer-file - >"$work/out" 2>"$work/err"
}

for kind in hotp totp; do
    desk_exit 0 identity check --customer "$customer" --kind phone
    if [ $kind = hotp ]; then
        desk_exit 4 application add --customer "$customer" --code-file "$work/code.early" --agree --class joint
        says 'factor'
        prove_by_token "$hotp" Bank:hotp || fail "$(cat "$work/err")"
        again=$("$ingam" otp code Bank:hotp)
        printf '%s\n' "$again" >"$work/answer"
        desk_exit 0 factor verify --factor "$hotp" --answer-file "$work/answer"
        desk_exit 4 factor verify --factor "$hotp" --answer-file "$work/answer"
        slot=9a
        set -- --class joint
    else
        prove_by_token "$totp" Bank:totp || fail "$(cat "$work/err")"
        slot=9c
        set -- --class financial
    fi
    desk_exit 0 application add --customer "$customer" --code-file "$work/code.$kind" --agree "$@"
    reference=$(value reference)
    desk_do fee pay --reference "$reference" >/dev/null 2>&1 || true
    expect_exit 0 "$ingam" issue $slot --issuer "$url" --reference "$reference" --code-file "$work/code.$kind" --key-type p256 \
        --pin-file "$work/pin" --default-admin
    "$ingam" cert export $slot >"$work/$slot.pem"
    openssl verify -CAfile "$desk/ca.crt" "$work/$slot.pem" >/dev/null || fail "$slot: not of the desk's CA"
    ok "$kind: identity, the token's code, application, fee, certificate in $slot"
done
stack_done
