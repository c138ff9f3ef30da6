#!/bin/sh
# ingam move onto simulated tokens through our own module, and with the token pulled out at every exchange: the same
# command goes on, and key and certificate are there in the end. Argument: the simulator's profile.
# shellcheck disable=SC2317 # the command is called through expect_exit
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/tool_lib.sh"
. "$SOURCE/tests/e2e/npki_lib.sh"

profile=$1
start_sim token --profile "$profile" --control "unix:$work/control"
ctl() {
    "$sim" ctl "unix:$work/control" "$@" >"$work/ctl" || fail "the simulator refuses: $*"
}
printf '123456\n' >"$work/pin"
npki_tree "$HOME"
move() {
    "$ingam" move "$tree" 9a --pin-file "$work/pin" --default-admin --password-file "$work/password" "$@"
}
objects() {
    p11 --login --pin 123456 -O 2>/dev/null | grep -E '^(Private Key|Public Key|Certificate) Object' | sort
}
works() {
    printf 'signed text' >"$work/text"
    p11 --login --pin 123456 --sign --mechanism SHA256-RSA-PKCS --id 01 --input-file "$work/text" \
        --output-file "$work/signature" >/dev/null 2>&1 || fail 'the key does not sign'
    openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/text" >/dev/null ||
        fail 'the key does not sign for the certificate'
    p11 --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
    cmp "$samples/signCert.der" "$work/back.der" || fail 'another certificate is in the slot'
}

expect_exit 6 "$ingam" move "$tree" 9a --pin-file "$work/pin" --password-file "$work/password"
[ -z "$(objects)" ] || fail "the token has $(objects)"
ok 'without the management key: exit 6'

if [ "$profile" = piv ]; then
    expect_exit 7 move --without-random
    says 'ingam issue'
    [ -z "$(objects)" ] || fail "the token has $(objects)"
    [ -z "$(find "$HOME" -name '*.json')" ] || fail 'a journal is left'
    ok 'a plain PIV card takes no key from outside: exit 7, nothing on it'
    stack_done
fi

ctl snapshot "$work/empty"
expect_exit 0 move --without-random
works
expect_exit 0 move --without-random
says 'already'
expect_exit 9 "$ingam" move "$samples/sign.pfx" 9a --pin-file "$work/pin" --default-admin \
    --password-file "$work/password"
says 'already holds'
ok 'moved: the key signs for the certificate; a second time it is there already'

# pulled AT HOW: the token leaves its reader at that exchange of the move; fails when the move ended before.
pulled() {
    rm -rf "$HOME/.local"
    ctl restore "$work/empty"
    ctl show
    ctl fault "n=$(($(jq -r .exchanges "$work/ctl") + $1)),$2"
    first=0
    move --without-random >"$work/out" 2>"$work/err" </dev/null || first=$?
    ctl fault clear
    ctl show
    [ "$(jq -r .present "$work/ctl")" = false ] || return 1
    ctl insert
    [ "$first" -lt 128 ] || fail "pulled at $1 it ended with $first: $(cat "$work/err")"
    expect_exit 0 move --without-random
    works
    [ -z "$(find "$HOME" -name '*.json')" ] || fail "pulled at $1: a journal is left"
}
# One profile at each exchange, the other at some.
step=1
[ "$profile" = yubikey-5.7 ] || step=5
at=1 pulls=0
while pulled "$at" remove && pulled "$at" remove-after; do
    at=$((at + step)) pulls=$((pulls + 2))
done
[ "$at" -gt 20 ] || fail "the move had only $at exchanges"
ok "pulled out $pulls times, up to exchange $at: the same command ends well"
stack_done
