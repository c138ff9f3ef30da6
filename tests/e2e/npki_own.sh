#!/bin/sh
# ingam move onto simulated tokens through our own module, and with the token pulled out at many an exchange: the same
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
    p11 --login --pin 123456 -O 2>/dev/null | grep -E '^(Private Key|Public Key|Certificate) Object|NPKI' | sort
}
works() {
    printf 'signed text' >"$work/text"
    p11 --login --pin 123456 --sign --mechanism SHA256-RSA-PKCS --id 01 --input-file "$work/text" \
        --output-file "$work/signature" >/dev/null 2>&1 || fail 'the key does not sign'
    openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/text" >/dev/null ||
        fail 'the key does not sign for the certificate'
    p11 --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
    cmp "$samples/signCert.der" "$work/back.der" || fail 'another certificate is in the slot'
    p11 --login --pin 123456 --read-object --type data --label 'NPKI R 9a' -o "$work/r" >/dev/null 2>&1
    [ "$(od -An -tx1 "$work/r" | tr -d ' \n')" = "$random" ] || fail 'R is another'
    ! p11 -O --type data 2>/dev/null | grep -q NPKI || fail 'R is seen without a login'
}

expect_exit 6 "$ingam" move "$tree" 9a --pin-file "$work/pin" --password-file "$work/password"
[ -z "$(objects)" ] || fail "the token has $(objects)"
ok 'without the management key: exit 6'

if [ "$profile" = piv ]; then
    expect_exit 7 move
    says 'ingam issue'
    [ -z "$(objects)" ] || fail "the token has $(objects)"
    [ -z "$(find "$HOME" -name '*.json')" ] || fail 'a journal is left'
    ok 'a plain PIV card takes no key from outside: exit 7, nothing on it'
    stack_done
fi

ctl snapshot "$work/empty"
expect_exit 0 move
works
expect_exit 0 move
says 'already'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/k" -out "$work/c" -subj /CN=x -days 3 2>/dev/null
expect_exit 9 "$ingam" move "$work/k" 9a --cert "$work/c" --pin-file "$work/pin" --default-admin
says 'already holds'
works
openssl req -x509 -newkey rsa:1536 -nodes -keyout "$work/small.key" -out "$work/small.pem" -subj /CN=x -days 3 2>/dev/null
expect_exit 7 "$ingam" move "$work/small.key" 9a --cert "$work/small.pem" --pin-file "$work/pin" --default-admin \
    --replace --yes
works
ok 'moved: the key signs for the certificate, R after login only; a second time it is there already; RSA-1536 is refused'

# pulled AT HOW: the token leaves its reader at that exchange of the move; fails when the move ended before.
pulled() {
    rm -rf "$HOME/.local"
    ctl restore "$work/empty"
    ctl show
    ctl fault "n=$(($(jq -r .exchanges "$work/ctl") + $1)),$2"
    first=0
    move >"$work/out" 2>"$work/err" </dev/null || first=$?
    ctl fault clear
    ctl show
    [ "$(jq -r .present "$work/ctl")" = false ] || return 1
    ctl insert
    [ "$first" -lt 128 ] || fail "pulled at $1 it ended with $first: $(cat "$work/err")"
    expect_exit 0 move
    works
    [ -z "$(find "$HOME" -name '*.json')" ] || fail "pulled at $1: a journal is left"
}
# Not at each exchange: the steps of both profiles together meet most of them.
step=3
[ "$profile" = yubikey-5.7 ] || step=5
at=1 pulls=0
while pulled "$at" remove && pulled "$at" remove-after; do
    at=$((at + step)) pulls=$((pulls + 2))
done
[ "$at" -gt 20 ] || fail "the move had only $at exchanges"
ok "pulled out $pulls times, up to exchange $at: the same command ends well"
stack_done
