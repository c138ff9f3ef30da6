#!/bin/sh
# Looking after a token: PUK, management key, reset, keys deleted, certificates brought, verified and watched.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
tty="$BUILD/tests/e2e/tool_on_tty"
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/pin2"
printf '12345678\n' >"$work/puk"
printf '87654321\n' >"$work/puk2"
printf '0102030405060708010203040506070801020304050607FF\n' >"$work/wrong"
printf '1112131415161718111213141516171811121314151617FF\n' >"$work/fresh"

start_sim token --serial 4242 --profile yubikey-5.4

expect_exit 4 "$ingam" puk change --puk-file "$work/puk2" --new-puk-file "$work/puk"
says 'Tries left: 2'
expect_exit 4 "$ingam" puk change --puk-file "$work/puk"
says 'no terminal'
expect_exit 0 "$ingam" puk change --puk-file "$work/puk" --new-puk-file "$work/puk2"
expect_exit 4 "$ingam" pin unblock --puk-file "$work/puk" --new-pin-file "$work/pin2"
expect_exit 0 "$ingam" pin unblock --puk-file "$work/puk2" --new-pin-file "$work/pin2"
expect_exit 0 "$ingam" pin change --pin-file "$work/pin2" --new-pin-file "$work/pin"
ok 'puk change: the new PUK unblocks, the old one does not'

expect_exit 6 "$ingam" admin change --admin-key-file "$work/wrong" --new-admin-key-file "$work/fresh"
says 'management key was not accepted'
expect_exit 2 "$ingam" admin change --default-admin --new-admin-key-file "$work/pin"
says '64 hexadecimal digits'
expect_exit 0 "$ingam" admin change --default-admin --new-admin-key-file "$work/fresh"
expect_exit 6 "$ingam" key generate 9a --key-type p256 --default-admin
# Firmware 5.4 has RSA of 1024 and 2048 bits.
expect_exit 7 "$ingam" key generate 9a --key-type rsa3072 --admin-key-file "$work/fresh"
says 'CKR_KEY_SIZE_RANGE'
"$ingam" key generate 9a --key-type p256 --admin-key-file "$work/fresh" >"$work/9a.pub" 2>"$work/err" ||
    fail "$(cat "$work/err")"
ok 'admin change: only the new management key makes a key'

foreign_ca
certificate_for "$work/9a.pub" "$work/9a.pem"
openssl x509 -in "$work/9a.pem" -outform DER -out "$work/9a.der"
set -- --admin-key-file "$work/fresh"
expect_exit 9 "$ingam" cert import 9a --file "$work/other.pem" "$@"
says 'not for the key'
expect_exit 8 "$ingam" cert import 9c --file "$work/9a.pem" "$@"
expect_exit 2 "$ingam" cert import 9a --file "$work/pin" "$@"
expect_exit 8 "$ingam" cert check
expect_exit 0 "$ingam" cert import 9a --file "$work/9a.der" "$@" --json
jq -e '.subject | contains("홍길동")' "$work/out" >/dev/null || fail "$(cat "$work/out")"
p11 --read-object --type cert --id 01 -o "$work/back.der" >/dev/null 2>&1
cmp "$work/back.der" "$work/9a.der" || fail 'another certificate came back'
longer=79
openssl x509 -req -in "$work/any.csr" -force_pubkey "$work/9a.pub" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
    -days 90 -set_serial "$longer" -out "$work/long.pem" 2>/dev/null
expect_exit 9 "$ingam" cert import 9a --file "$work/long.pem" "$@"
says 'already holds'
ok 'cert import: only for the key that is there, read back by another program, never over another one'

expect_exit 0 "$ingam" cert verify 9a --ca "$work/ca.pem"
expect_exit 9 "$ingam" cert verify 9a --ca "$work/other.pem"
expect_exit 8 "$ingam" cert verify 9c --ca "$work/ca.pem"
expect_exit 16 "$ingam" cert check --json
[ "$(jq -r '.certificates[0].state, .error.name' "$work/out" | tr '\n' ' ')" = 'expiring expiring ' ] || fail "$(cat "$work/out")"
expect_exit 0 "$ingam" cert check 9a --days 1
expect_exit 0 "$ingam" cert import 9a --file "$work/long.pem" "$@" --replace --yes
expect_exit 0 "$ingam" cert check
expect_exit 16 "$ingam" cert check --days 120
ok 'cert verify and cert check: another CA is exit 9, expiring soon 16'

expect_exit 2 "$ingam" key delete 9a "$@"
expect_exit 7 "$ingam" key delete 9a "$@" --yes
says 'key generate --replace'
expect_exit 130 "$tty" no -- "$ingam" token reset "$@"
expect_exit 2 "$ingam" token reset "$@"
says 'add --yes'
expect_exit 6 "$ingam" token reset --admin-key-file "$work/wrong" --yes
[ "$("$ingam" token info --json 2>/dev/null | jq '.slots | length')" -eq 1 ] || fail 'something was lost'
expect_exit 0 "$tty" 4242 -- "$ingam" token reset "$@"
[ "$("$ingam" token info --json 2>/dev/null | jq '.slots | length')" -eq 0 ] || fail 'something stayed'
expect_exit 0 "$ingam" pin unblock --puk-file "$work/puk" --new-pin-file "$work/pin2"
expect_exit 0 "$ingam" key generate 9a --key-type p256 --default-admin
ok 'token reset: only when the serial number is typed; factory values afterwards'
stop token

unset INGAM_SIM
start_sim newer --serial 57 --profile yubikey-5.7
expect_exit 8 "$ingam" key delete 9a --default-admin --yes
expect_exit 0 "$ingam" key generate 9a --key-type p256 --default-admin
expect_exit 0 "$ingam" key delete 9a --default-admin --yes
[ "$("$ingam" key list --json | jq '.keys | length')" -eq 0 ] || fail 'the key is still there'
ok 'key delete: where the token can'
stop newer

unset INGAM_SIM
start_sim plain --serial 3
expect_exit 7 "$ingam" token reset --default-admin --yes
ok 'a plain PIV card cannot be reset: exit 7'

for shell in bash zsh fish; do
    "$ingam" completion "$shell" >"$work/completion.$shell" || fail "completion $shell"
    for word in issue puk admin-key-file; do
        grep -q -- "$word" "$work/completion.$shell" || fail "$shell does not know $word"
    done
done
# shellcheck disable=SC2016
bash -c '. "$1"; words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ingam 2>/dev/null; echo "${COMPREPLY[*]}"; }
    words ingam to; words ingam token inf; words ingam cert check --da; words ingam issue ca' \
    bash "$work/completion.bash" >"$work/words"
[ "$(tr '\n' ' ' <"$work/words")" = 'token info --days card ' ] || fail "bash completes: $(cat "$work/words")"
[ "$("$ingam" completion fish --json | jq -r .script)" = "$(cat "$work/completion.fish")" ] || fail 'JSON has another script'
expect_exit 2 "$ingam" completion tcsh
for shell in zsh fish; do
    ! command -v "$shell" >/dev/null || "$shell" -n "$work/completion.$shell" || fail "$shell does not read it"
done
ok 'completion for bash, zsh and fish'
stack_done
