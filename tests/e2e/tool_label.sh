#!/bin/sh
# ingam token label: the label changes, everything else in the Key History stays, byte for byte. Another program writes and reads it.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
XDG_RUNTIME_DIR="$work/run"
export XDG_RUNTIME_DIR
mkdir -m 700 "$work/run"
printf '0102030405060708010203040506070801020304050607FF\n' >"$work/wrong"
so=010203040506070801020304050607080102030405060708

# history [HEX]: writes the Key History, or prints it in hex.
history() {
    if [ $# -eq 0 ]; then
        yubico-piv-tool -r Yubico -a read-object --id 0x5fc10c -f hex 2>/dev/null | tr -d '\n'
    else
        printf '%s\n' "$1" | yubico-piv-tool -r Yubico -a write-object --id 0x5fc10c -f hex -i - >"$work/said" 2>&1 ||
            fail "$(cat "$work/said")"
    fi
}
# called LABEL: so other programs see the token, whether this user's processes have told each other or not.
called() {
    p11 -T 2>/dev/null | grep -q "token label  *: $1\$" || fail "pkcs11-tool does not say $1: $(p11 -T 2>&1)"
    p11tool --provider "$module" --list-tokens 2>/dev/null | grep -q "Label: $1\$" || fail "p11tool does not say $1"
    rm -rf "$work/run/ingam-pkcs11"
    p11 -T -O >/dev/null 2>&1
    p11 -T 2>/dev/null | grep -q "token label  *: $1\$" || fail "a newcomer does not see $1: $(p11 -T 2>&1)"
}
objects() {
    p11 -O 2>/dev/null | sed "s/token=[^;]*;//"
}

start_pcscd 'Yubico YubiKey OTP+FIDO+CCID'
start_card token "${vpcd_ports%% *}" --serial 4242 --profile yubikey-5.4
set -- token label --default-admin
expect_exit 2 "$ingam" "$@"
for bad in 123456789012345678901234567890123 "$(printf 'two\nlines')" 'blank ' "$(printf '\377')"; do
    expect_exit 2 "$ingam" "$@" "$bad"
done
expect_exit 6 "$ingam" token label mine --admin-key-file "$work/wrong"
expect_exit 0 "$ingam" "$@" ''
[ -z "$(history)" ] || fail 'a Key History came from nothing'
yubico-piv-tool -r Yubico -a generate -s 83 -A ECCP256 >"$work/83.pub" 2>"$work/said" || fail "$(cat "$work/said")"
expect_exit 0 "$ingam" "$@" mine
says 'called "mine"'
[ "$(history)" = c10102c20100fe00da070184046d696e65 ] || fail "the Key History is $(history)"
called mine
expect_exit 0 "$ingam" token info --token mine
expect_exit 3 "$ingam" token info --token other
ok 'a card without a Key History gets one that counts its retired keys'

p11 --login --login-type so --so-pin "$so" --keypairgen --key-type EC:prime256v1 --id 01 --label 'my key' >/dev/null 2>&1 ||
    fail 'no key was made'
history | grep -q 84046d696e65 || fail 'the module lost the label'
objects >"$work/before"
grep -q 'my key' "$work/before" || fail 'the key has no label of its own'
history >"$work/history"
expect_exit 0 "$ingam" "$@" '홍길동 토큰'
called '홍길동 토큰'
objects | cmp - "$work/before" || fail 'labels or ids of keys changed'
expect_exit 0 "$ingam" "$@" 12345678901234567890123456789012 --json
[ "$(jq -r '[.token, .label] | join(" ")' "$work/out")" = '4242 12345678901234567890123456789012' ] || fail "$(cat "$work/out")"
called 12345678901234567890123456789012
expect_exit 0 "$ingam" "$@" mine
history | cmp - "$work/history" || fail 'something but the label changed'
expect_exit 0 "$ingam" "$@" ''
called 'Ingam 4242'
objects | cmp - "$work/before" || fail 'labels or ids of keys changed'
ok 'only the label changes; keys keep their labels and ids'

history c10103c20101f30568747470 # cut short
expect_exit 9 "$ingam" "$@" mine
says 'Nothing on the token was changed'
for foreign in c10100c20100fe00da070284046d696e65 c10100c20100fe00da0301e105 c10100c20100fe00da0101da0101 c10100c20100fe00da00; do
    history "$foreign"
    expect_exit 9 "$ingam" "$@" mine
    [ "$(history)" = "$foreign" ] || fail "$foreign was overwritten: $(history)"
done
history c10101c20101f3810468747470fe00c50142 # a length that is longer than need be, and an element that nobody knows
expect_exit 0 "$ingam" "$@" mine
[ "$(history)" = c10101c20101f3810468747470fe00c50142da070184046d696e65 ] || fail "the Key History is $(history)"
called mine
ok 'what another version wrote is refused, what PIV keeps there stays'
stack_done
