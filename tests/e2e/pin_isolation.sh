#!/bin/sh
# A login belongs to the process that made it: a program without the PIN gets no signature from 9A while another one
# is logged in, nor after that one has logged out. OpenSC's module stands beside ours, in the same scenario.
. "$SOURCE/tests/lib/stack.sh"

start_pcscd
start_card card "$vpcd_ports"
export TOKEN_PIN=123456
printf '123456\n' >"$work/pin"
start_desk
entitle 'Holder' '/C=KR/O=Ingam/CN=Holder' "$work/code"
expect_exit 0 "$ingam" issue --slot 9a --issuer "$url" --reference "$reference" --code-file "$work/code" \
    --key-type p256 --pin-file "$work/pin" --default-admin

# The intruder needs no module: it sends its own APDUs through pcscd. 0 when it gets a signature.
intruder() {
    asked=0
    "$BUILD/tests/e2e/raw_sign" "$trials" >"$work/intruder.out" 2>&1 || asked=$?
    [ "$asked" -le 1 ] || fail "the intruder could not ask: $(cat "$work/intruder.out")"
    return "$asked"
}

trials=200
[ -z "${INGAM_SOAK:-}" ] || trials=10000

# scenario NAME MODULE: prints "signs" or "refused" while another is logged in, and after it logged out
scenario() {
    start holder "$BUILD/tests/e2e/holder" "$2"
    during=refused after=refused
    ! intruder || during=signs
    kill -USR1 "$holder_pid"
    [ "$(next_line holder)" = 'logged out' ] || fail 'the holder does not log out'
    ! intruder || after=signs
    stop holder
    printf '%-8s of %d trials, a second program while one is logged in: %s; after its logout: %s\n' "$1" "$trials" \
        "$during" "$after"
}
ours=$(scenario ours "$module")
printf '%s\n' "$ours"
# The test can tell: the same intruder gets its signature through a module that shares the login.
scenario opensc "$opensc_module"
INGAM_PIN_SHARED=1
export INGAM_PIN_SHARED
shared=$(scenario shared "$module")
unset INGAM_PIN_SHARED
printf '%s\n' "$shared"

case $ours in *signs*) fail 'a program without the PIN got a signature' ;; esac
ok 'no signature without the PIN, while another program is logged in and after'
case $shared in *'logged in: signs'*) ;; *) fail 'the intruder never gets a signature: this test can not fail' ;; esac
ok 'with the shared setting the same intruder does get one: the test can tell'
stack_done
