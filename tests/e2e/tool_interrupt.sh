#!/bin/sh
# ingam issue killed at every moment at which a state becomes durable: the same command, run again, ends with one
# certificate, on the token and confirmed at the desk.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"

"$issuer" init --dir "$work/desk" --name 'Test CA' >/dev/null
start desk "$issuer" serve --dir "$work/desk" --listen 127.0.0.1:0
url=${desk_ready#ready }

# One try with the kill there; says how the first run ended.
try() {
    rm -rf "$work/softhsm" "$work/code" "$HOME/.local"
    softhsm_new "card one"
    reference=$("$issuer" authorize --dir "$work/desk" --name '홍길동' --subject "/C=KR/O=Ingam/CN=홍길동 $1" \
        --code-file "$work/code" | sed -n 's/^reference //p')
    set -- "$1" "$ingam" issue 9a --key-type p256 --module "$softhsm" --pin-file "$work/pin" --issuer "$url" \
        --reference "$reference" --code-file "$work/code"
    at=$1
    shift
    first=0
    LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL="$at" "$@" >"$work/out" 2>"$work/err" </dev/null ||
        first=$?
    case $first in
    0) return 1 ;;
    137) ;;
    *) fail "killed at $at it ended with $first: $(cat "$work/err")" ;;
    esac
    expect_exit 0 "$@"
    [ "$(pkcs11-tool --module "$softhsm" -O --type cert 2>/dev/null | grep -c '^Certificate Object')" -eq 1 ] ||
        fail "killed at $at: not one certificate"
    [ "$(pkcs11-tool --module "$softhsm" -O --type pubkey 2>/dev/null | grep -c '^Public Key Object')" -eq 1 ] ||
        fail "killed at $at: not one key"
    pkcs11-tool --module "$softhsm" --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
    openssl verify -CAfile "$work/desk/ca.crt" "$work/back.der" >/dev/null || fail "killed at $at: it does not verify"
    [ -z "$(find "$HOME" -name '*.json')" ] || fail "killed at $at: a journal is left"
    ok "killed at $at: $(tr '\n' ' ' <"$work/err" | cut -c 1-60)"
}

moment=1
while try "$moment:before"; do
    try "$moment:after" || break
    moment=$((moment + 1))
done
[ "$moment" -ge 5 ] || fail "the tool made only $((moment - 1)) states durable"
ok "an undisturbed run makes $((moment - 1)) states durable"

# Whatever was issued has reached a token: no certificate that nobody knows of.
"$issuer" list --dir "$work/desk" >"$work/list" || true
cat "$work/list"
stack_done
