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

stack=$1
fresh_token() {
    case $stack in
    softhsm)
        rm -rf "$work/softhsm"
        softhsm_new "card one"
        use=$softhsm admin=
        ;;
    ingam)
        [ -z "${token_pid:-}" ] || stop token
        rm -f "$work"/token.*
        unset INGAM_SIM
        start_sim token
        printf '123456\n' >"$work/pin"
        use=$module admin=--default-admin
        ;;
    esac
}
count() {
    pkcs11-tool --module "$use" -O --type "$1" 2>/dev/null | grep -c "^$2" || true
}

# One try with the kill there; fails when the tool ended undisturbed.
try() {
    rm -rf "$work/code" "$HOME/.local"
    fresh_token
    reference=$("$issuer" authorize --dir "$work/desk" --name '홍길동' --subject "/C=KR/O=Ingam/CN=홍길동 $1" \
        --code-file "$work/code" | sed -n 's/^reference //p')
    at=$1
    # shellcheck disable=SC2086
    set -- "$ingam" issue 9a --key-type p256 --module "$use" $admin --pin-file "$work/pin" --issuer "$url" \
        --reference "$reference" --code-file "$work/code"
    first=0
    LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL="$at" "$@" >"$work/out" 2>"$work/err" </dev/null ||
        first=$?
    case $first in
    0) return 1 ;;
    137) ;;
    *) fail "killed at $at it ended with $first: $(cat "$work/err")" ;;
    esac
    expect_exit 0 "$@"
    [ "$(count cert 'Certificate Object')" -eq 1 ] || fail "killed at $at: not one certificate"
    [ "$(count pubkey 'Public Key Object')" -eq 1 ] || fail "killed at $at: not one key"
    pkcs11-tool --module "$use" --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
    openssl verify -CAfile "$work/desk/ca.crt" "$work/back.der" >/dev/null || fail "killed at $at: it does not verify"
    serial=$(openssl x509 -in "$work/back.der" -noout -serial | sed 's/serial=//')
    grep -q "certConf reference=$reference serial=$serial result=confirmed" "$work/desk.err" ||
        fail "killed at $at: the desk has no confirmation of $serial"
    [ "$(grep -c "body=ir reference=$reference .*result=issued" "$work/desk.err")" -eq 1 ] ||
        fail "killed at $at: not one certificate issued"
    [ -z "$(find "$HOME" -name 'issue-*.json')" ] || fail "killed at $at: a journal is left"
    ok "killed at $at: $(grep -v '^Requesting' "$work/err" | head -n 1)"
}

moment=1
while try "$moment:before"; do
    try "$moment:after" || break
    moment=$((moment + 1))
done
[ "$moment" -ge 5 ] || fail "the tool made only $((moment - 1)) states durable"
ok "an undisturbed run makes $((moment - 1)) states durable"
stack_done
