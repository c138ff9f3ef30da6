#!/bin/sh
# What goes wrong for people: each ends with a message that says what happened and what to do, with the documented
# exit code, and with a card that is as before or can go on.
. "$SOURCE/tests/lib/stack.sh"

start_desk
start_sim token
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/wrong-pin"

authorize() {
    rm -f "$work/code"
    entitle 'Holder' "/C=KR/O=Ingam/CN=Holder $1" "$work/code"
}

# issue CODE [OPTION...]: the usual call, with options of its own after it
issue() {
    want_code=$1
    shift
    expect_exit "$want_code" "$ingam" issue --slot 9a --issuer "$url" --reference "$reference" --key-type p256 \
        --default-admin --code-file "$work/code" --pin-file "$work/pin" "$@"
}

# says TEXT...: each (a basic regular expression) is in what the tool wrote to its standard error
says() {
    for text in "$@"; do
        grep -qi -e "$text" "$work/err" || fail "the message lacks '$text': $(cat "$work/err")"
    done
}

# What the card shows of itself to a program that only looks.
look() {
    p11 -O 2>/dev/null
}
untouched() {
    look >"$work/now"
    cmp -s "$work/before" "$work/now" || fail "the card is not as before: $(diff "$work/before" "$work/now")"
}

authorize one
look >"$work/before"

issue 4 --pin-file "$work/wrong-pin"
says 'PIN' 'left'
untouched
ok "wrong PIN: 4, tries left are said: $(head -n 1 "$work/err")"

printf '%s\n' 0000-0000-0000-0000 >"$work/wrong-code"
issue 14 --code-file "$work/wrong-code"
says 'code'
look | grep -q 'Certificate Object' && fail 'a certificate was written'
ok "wrong code: 14: $(head -n 1 "$work/err")"

stop desk
issue 13
says "$url"
ok "issuer down: 13: $(head -n 1 "$work/err")"
start_desk

issue 0
ok 'after all these the same command with the right code goes through'

look >"$work/before"
authorize two
got=0
"$ingam" issue --slot 9a --issuer "$url" --reference "$reference" --key-type p256 --default-admin \
    --code-file "$work/code" --pin-file "$work/pin" >"$work/out" 2>"$work/err" </dev/null || got=$?
[ "$got" -ne 0 ] || fail 'a certificate was overwritten without --replace --yes'
says '9a' 'replace'
untouched
ok "slot already holding a certificate: $got: $(head -n 1 "$work/err")"

issue 0 --replace --yes
ok 'with --replace --yes it is replaced'

cp "$work/code" "$work/used"
used=$reference
expect_exit 14 "$ingam" issue --slot 9e --issuer "$url" --reference "$used" --key-type p256 --default-admin \
    --code-file "$work/used" --pin-file "$work/pin"
says 'code\|reference\|used'
ok "used code: 14: $(head -n 1 "$work/err")"

# Two wrong ones leave one try; the tool does not spend it unasked.
authorize three
for _ in 1 2; do
    issue 4 --replace --yes --pin-file "$work/wrong-pin"
done
issue 4 --replace --yes --pin-file "$work/wrong-pin"
says 'last'
ok "the last try is refused without --last-try: $(head -n 1 "$work/err")"
issue 5 --replace --yes --pin-file "$work/wrong-pin" --last-try
issue 5 --replace --yes
says 'block' 'PUK'
ok "blocked PIN: 5: $(head -n 1 "$work/err")"
stack_done
