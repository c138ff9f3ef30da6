#!/bin/sh
# Each failure of ingam issue against the real stack: what is said, the exit code, and a token that is as before or can
# go on. The first argument says how the token is reached: "direct" or "pcscd".
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"

how=$1
"$issuer" init --dir "$work/desk" --name 'Test CA' >/dev/null
start desk "$issuer" serve --dir "$work/desk" --listen 127.0.0.1:0
url=${desk_ready#ready }

# shellcheck disable=SC2317 # called through wait_for
none_shown() {
    ! opensc-tool -l 2>/dev/null | grep -q ' Yes '
}
put_in() {
    case $how in
    direct)
        unset INGAM_SIM
        start_sim token "$@"
        ;;
    pcscd)
        wait_for 15 'the reader to be empty' none_shown
        stack_cards=0
        # shellcheck disable=SC2086
        set -- token $vpcd_ports "$@"
        start_card "$@"
        ;;
    esac
}
[ "$how" != pcscd ] || start_pcscd "Virtual PCD"
put_in --serial 4242

if [ "$how" = pcscd ]; then
    expect_exit 11 env PCSCLITE_CSOCK_NAME="$work/nowhere" "$ingam" token list
    expect_exit 11 env PCSCLITE_CSOCK_NAME="$work/nowhere" "$ingam" token info
    says 'pcscd does not run'
    ok 'pcscd: the card service is down: exit 11'
fi

printf '123456\n' >"$work/pin"
printf '111111\n' >"$work/bad"
printf '12345678\n' >"$work/puk"
printf 'wrong-code\n' >"$work/wrong"

authorize() {
    rm -f "$work/code"
    reference=$("$issuer" authorize --dir "$work/desk" --name '홍길동' --subject "/C=KR/O=Ingam/CN=홍길동 $1" \
        --code-file "$work/code" | sed -n 's/^reference //p')
}
# shellcheck disable=SC2317 # called through expect_exit
issue() {
    "$ingam" issue "$@" --key-type p256 --issuer "$url" --reference "$reference"
}
factory="--default-admin --pin-file $work/pin"
objects() {
    p11 -O 2>/dev/null | grep -v '^Using slot'
}
unchanged() {
    objects >"$work/after"
    cmp "$work/before" "$work/after" || fail "the token has changed"
}
holds() {
    p11 --read-object --type cert --id "$1" -o "$work/back.der" >/dev/null 2>&1 || fail "no certificate under $1"
    openssl verify -CAfile "$work/desk/ca.crt" "$work/back.der" >/dev/null || fail "the certificate does not verify"
}
authorize one
objects >"$work/before"

# The options are words.
# shellcheck disable=SC2086
{
    expect_exit 4 issue 9a --code-file "$work/code" --default-admin --pin-file "$work/bad"
    says 'CKR_PIN_INCORRECT'
    unchanged
    ok "$how: wrong PIN: exit 4, the token is as before"

    expect_exit 6 issue 9a --code-file "$work/code" --pin-file "$work/pin"
    says 'default-admin'
    printf '0102030405060708010203040506070801020304050607FF\n' >"$work/admin"
    expect_exit 6 issue 9a --code-file "$work/code" --pin-file "$work/pin" --admin-key-file "$work/admin"
    says 'management key was not accepted'
    unchanged
    ok "$how: no management key, a wrong one: exit 6"

    expect_exit 13 "$ingam" issue 9a --issuer http://127.0.0.1:1/cmp --reference 1 --code-file "$work/code" $factory
    unchanged
    ok "$how: desk down: exit 13, the token is as before"

    expect_exit 14 issue 9a --code-file "$work/wrong" $factory
    says 'What to do'
    unchanged
    [ -z "$(find "$HOME" -name '*.json')" ] || fail 'a journal was begun'
    ok "$how: wrong code: exit 14, the token is as before"

    expect_exit 0 issue 9a --code-file "$work/code" $factory
    holds 01
    ok "$how: and it goes on with the right code"

    objects >"$work/before"
    expect_exit 9 issue 9a --code-file "$work/code" $factory
    says 'already holds a certificate'
    unchanged
    ok "$how: a slot that holds a certificate: exit 9, the token is as before"

    expect_exit 2 issue 9a --code-file "$work/code" $factory --replace
    says 'add --yes'
    unchanged
    ok "$how: --replace without --yes and terminal: exit 2, the token is as before"

    expect_exit 14 issue 9c --code-file "$work/code" $factory
    says 'was used'
    unchanged
    ok "$how: used code: exit 14, the token is as before"

    authorize two
    expect_exit 0 issue 9c --code-file "$work/code" $factory
    holds 02
    ok "$how: a new code goes on in the same slot (9C: the PIN with each signature)"

    authorize three
    expect_exit 0 issue 9a --code-file "$work/code" $factory --replace --yes
    holds 01
    ok "$how: --replace --yes"
}

# Pulled out at each moment at which a state becomes durable; put in again, the same command goes on.
moment=1
while [ "$moment" -le 4 ]; do
    case $moment in
    1) slot=9d id=03 give_up= ;;
    2) slot=9e id=04 give_up= ;;
    3) slot=9d id=03 give_up='--replace --yes' ;;
    4) slot=9e id=04 give_up='--replace --yes' ;;
    esac
    authorize "pulled $moment"
    # shellcheck disable=SC2086,SC2154
    set -- "$ingam" issue "$slot" --key-type p256 --issuer "$url" --reference "$reference" \
        --code-file "$work/code" $factory $give_up
    pulled=0
    LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL="$moment:after" INGAM_TEST_PULL="$token_pid" \
        "$@" >"$work/out" 2>"$work/err" </dev/null || pulled=$?
    stop token
    if [ "$moment" -lt 4 ]; then
        [ "$pulled" -eq 3 ] || fail "pulled at $moment it ended with $pulled: $(cat "$work/err")"
        says 'Now:'
        says 'What to do:'
    fi
    ! grep -q "reference=$reference .*result=rejected" "$work/desk.err" || fail 'the desk was told that it is refused'
    now=$(sed -n 's/^ *Now: //p' "$work/err")
    put_in
    if [ "$pulled" -ne 0 ]; then
        expect_exit 0 "$@"
    fi
    holds "$id"
    ok "$how: pulled at $moment (exit $pulled): $now"
    moment=$((moment + 1))
done

# The PIN, to its end and back.
authorize blocked
objects >"$work/before"
# shellcheck disable=SC2086
{
    set -- "$ingam" issue 9a --replace --yes --key-type p256 --issuer "$url" --reference "$reference" --code-file "$work/code" \
        --default-admin
    expect_exit 4 "$@" --pin-file "$work/bad"
    expect_exit 4 "$@" --pin-file "$work/bad"
    says 'last-try'
    expect_exit 4 "$@" --pin-file "$work/bad"
    says 'was not used'
    expect_exit 5 "$@" --pin-file "$work/bad" --last-try
    says 'pin unblock'
    expect_exit 5 "$@" --pin-file "$work/pin"
    says 'blocked'
    unchanged
    ok "$how: the last try needs --last-try; blocked PIN: exit 5, the token is as before"

    expect_exit 4 "$ingam" pin unblock --puk-file "$work/bad" --new-pin-file "$work/pin"
    expect_exit 0 "$ingam" pin unblock --puk-file "$work/puk" --new-pin-file "$work/pin"
    expect_exit 0 "$@" --pin-file "$work/pin"
    holds 01
    ok "$how: unblocked with the PUK, the same command goes on"
}

"$ingam" token info --json >"$work/info" || fail 'token info'
[ "$(jq '.slots | length' "$work/info")" -eq 4 ] || fail "token info: $(cat "$work/info")"
ok "$how: token info shows four slots"

secrets=$(grep -l '123456\|0102030405060708' "$work"/*.log "$work"/*.err 2>/dev/null || true)
[ -z "$secrets" ] || fail "a secret stands in $secrets"
stack_done
