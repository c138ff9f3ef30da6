#!/bin/sh
# What the tool says: at a terminal and without one, in English and Korean, in JSON, and about tokens with hostile names.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"

# A label that would clear the screen and turn the direction of writing.
softhsm_new "$(printf 'red \033[31m\342\200\256')"
expect_exit 0 "$ingam" token list --module "$softhsm"
grep -q 'red \\x1B\[31m\\u{202E}' "$work/out" || fail "the label: $(cat -v "$work/out")"
! LC_ALL=C grep -q "$(printf '\033')" "$work/out" || fail 'an escape reached the output'
expect_exit 0 "$ingam" token list --module "$softhsm" --json
! LC_ALL=C grep -q "$(printf '\033\\|\342\200\256')" "$work/out" || fail 'an escape reached the JSON'
[ "$(jq -r '.tokens[0].label' "$work/out")" = "$(printf 'red \033[31m\342\200\256')" ] || fail 'the JSON has another label'
ok 'a label cannot steer the terminal, and is whole in JSON'

# Several tokens: by serial, label, URI, or not at all.
softhsm_new "second"
expect_exit 3 "$ingam" token info --module "$softhsm"
says 'Several tokens'
says 'second'
expect_exit 3 "$ingam" token info --module "$softhsm" --token nobody
serial=$("$ingam" token list --module "$softhsm" --json | jq -r '.tokens[] | select(.label == "second") | .serial')
for word in second "$serial" "pkcs11:serial=$serial" 'pkcs11:token=second'; do
    expect_exit 0 "$ingam" token info --module "$softhsm" --token "$word" --json
    [ "$(jq -r .token.serial "$work/out")" = "$serial" ] || fail "--token $word chose another"
done
expect_exit 2 "$ingam" token info --module "$softhsm" --token 'pkcs11:nonsense'
ok 'of several tokens one is chosen by serial, label or URI, never by chance'

# JSON has the same keys in every language; words change.
for language in en ko; do
    LANGUAGE=$language "$ingam" issue 9a --module "$softhsm" --json >"$work/$language.json" 2>"$work/$language.err" </dev/null &&
        fail 'issue without options succeeded'
    jq -r '[paths | map(tostring) | join(".")] | sort | .[]' "$work/$language.json" >"$work/$language.keys"
done
cmp "$work/en.keys" "$work/ko.keys" || fail 'the keys differ'
[ "$(jq '.schema, .error.code' "$work/ko.json" | tr '\n' ' ')" = '1 2 ' ] || fail "$(cat "$work/ko.json")"
grep -q '할 일' "$work/ko.err" || fail 'not in Korean'
grep -q 'What to do' "$work/en.err" || fail 'not in English'
LC_ALL=C LANGUAGE=ko "$ingam" --help | grep -q '^Usage' || fail 'not in English in the C locale'
ok 'English and Korean; the keys and numbers of JSON are the same'

# Prompts: at a terminal only, not echoed.
tty="$BUILD/tests/e2e/tool_on_tty"
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/new"
expect_exit 4 "$ingam" pin change --module "$softhsm" --token second
says 'no terminal'
expect_exit 0 "$tty" 123456 654321 654321 -- "$ingam" pin change --module "$softhsm" --token second
! grep -q '123456\|654321' "$work/out" || fail "the PIN was shown: $(cat "$work/out")"
grep -q 'PIN of second' "$work/out" || fail "no prompt: $(cat "$work/out")"
expect_exit 4 "$tty" 654321 111111 222222 -- "$ingam" pin change --module "$softhsm" --token second
grep -q 'differ' "$work/out" || fail "$(cat "$work/out")"
expect_exit 130 "$tty" '^C' -- "$ingam" pin change --module "$softhsm" --token second
ok 'prompts at a terminal, not echoed; Ctrl-C ends with 130; without a terminal exit 4'

# The PIN by each way; two ways at once are refused.
printf '654321\n' | "$ingam" pin change --module "$softhsm" --token second --pin-fd 0 --new-pin-file "$work/pin" \
    2>"$work/err" || fail "--pin-fd: $(cat "$work/err")"
INGAM_PIN=123456 "$ingam" pin change --module "$softhsm" --token second --new-pin-file "$work/new" 2>"$work/err" </dev/null ||
    fail "INGAM_PIN: $(cat "$work/err")"
expect_exit 0 "$ingam" pin change --module "$softhsm" --token second --pin-file "$work/new" --new-pin-file "$work/pin"
expect_exit 2 "$ingam" pin change --module "$softhsm" --token second --pin-file "$work/new" --pin-fd 0
ok 'the PIN from a file, a descriptor or the environment'

# Something is destroyed only when the serial number is typed.
expect_exit 0 "$ingam" key generate 9a --key-type p256 --module "$softhsm" --token second --pin-file "$work/pin"
set -- "$ingam" key generate 9a --key-type p256 --module "$softhsm" --token second --pin-file "$work/pin" --replace
expect_exit 2 "$@"
expect_exit 130 "$tty" yes -- "$@"
grep -q 'nothing was changed' "$work/out" || fail "$(cat "$work/out")"
expect_exit 0 "$tty" "$serial" -- "$@"
ok 'a key is replaced only when the serial number is typed, or with --yes'

# Nothing of the tool is open to other processes of the user.
expect_exit 2 "$ingam" issue --pin 123456
! grep -q 123456 "$work/err" "$work/out" || fail 'a secret that went astray is repeated'
ok 'a secret on the command line is refused and not repeated'

stack_done
