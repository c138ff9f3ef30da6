#!/bin/sh
# A list of people, each with a token of their own, put in one after the other by a hand that reads what the tool says. Then
# interrupted at each moment at which a state becomes durable, and resumed. With INGAM_SOAK 200 tokens.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
start_desk
printf '123456\n' >"$work/pin"
mkdir "$work/list" "$work/images" "$work/owners"
people=6 moments=once
[ -z "${INGAM_SOAK:-}" ] || people=200 moments=both
control="unix:$work/control"
start_sim reader --profile yubikey-5.4 --control "$control"
"$sim" ctl "$control" remove
kill_at='' next=''

# people N: a list of N people in $work/list/people.csv; their codes beside it.
people() {
    rm -f "$work/list"/*
    printf '\357\273\277name,reference,code_file,subject\r\n' >"$work/list/people.csv"
    for number in $(seq 1 "$1"); do
        entitle "사람 $number" "/C=KR/O=Ingam/CN=사람 $number" "$work/list/code $number"
        printf '"사람 ""%s""",%s,code %s,/C=KR/O=Ingam/CN=사람 %s\n' "$number" "$reference" "$number" "$number"
    done >>"$work/list/people.csv"
}
# The hand: puts in what the tool asks for, a new token or the one of that number.
hand() {
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$work/err"
        case $line in
        *': put in a token.')
            [ "$next" != nothing ] || continue
            image=${next:-$(mktemp -u "$work/images/XXXXXXXX")}
            next=
            ;;
        *': put in the token '*)
            wanted=${line##* }
            image=$(cat "$work/owners/${wanted%.}")
            ;;
        *) continue ;;
        esac
        "$sim" ctl "$control" swap "$image" >/dev/null
        printf '%s\n' "$image" >"$work/owners/$("$ingam" token list --json 2>/dev/null | jq -r '.tokens[0].serial')"
    done <"$work/talk"
}
# batch CODE VERB [OPTION...]: with the hand at work.
batch() {
    rm -f "$work/talk"
    mkfifo "$work/talk"
    : >"$work/err"
    hand &
    hand_pid=$!
    want=$1 verb=$2 got=0
    shift 2
    env ${kill_at:+"LD_PRELOAD=$BUILD/tests/e2e/libtool_killer.so"} ${kill_at:+"INGAM_TEST_KILL=$kill_at"} "$ingam" batch "$verb" "$work/list/people.csv" --issuer "$url" --key-type p256 --pin-file "$work/pin" --default-admin \
        --wait 20 "$@" >"$work/out" 2>"$work/talk" </dev/null || got=$?
    wait $hand_pid || true
    [ -z "$kill_at" ] || [ "$got" -ne 0 ] || return 1
    [ "$got" -eq "$want" ] || fail "exit code $got, not $want: $(cat "$work/err" "$work/out")"
}
# Everybody has one certificate, on a token of their own, which the desk has confirmed; and no journal is left.
everybody() {
    [ "$(jq -r '[.people[] | select(.state == "done") | .token] | unique | length' "$work/out")" -eq "$1" ] ||
        fail "$2: not $1 tokens: $(cat "$work/out")"
    sed 1d "$work/list/people.csv" | cut -d , -f 2 >"$work/references"
    while read -r reference; do
        [ "$(grep -c "body=ir reference=$reference .*result=issued" "$work/desk.err")" -eq 1 ] || fail "$2: not one certificate"
        grep -q "certConf reference=$reference .*result=confirmed" "$work/desk.err" || fail "$2: not confirmed"
        token=$(jq -r ".people[] | select(.reference == \"$reference\") | .token" "$work/out")
        [ -s "$work/owners/$token" ] || fail "$2: $token was never put in"
        "$sim" ctl "$control" swap "$(cat "$work/owners/$token")" >/dev/null
        "$ingam" cert export 9a >"$work/one.pem" 2>/dev/null || fail "$2: $token has no certificate"
        openssl verify -CAfile "$work/desk/ca.crt" "$work/one.pem" >/dev/null || fail "$2: it does not verify"
        serial=$(openssl x509 -in "$work/one.pem" -noout -serial | sed 's/serial=//')
        grep -q "certConf reference=$reference serial=$serial " "$work/desk.err" || fail "$2: $token has somebody else's certificate"
    done <"$work/references"
    "$sim" ctl "$control" remove >/dev/null
    [ -z "$(find "$HOME" -name 'batch-*.json' -o -name 'issue-*.json')" ] || fail "$2: a journal is left"
}

people "$people"
batch 8 resume
grep -q 'No unfinished run' "$work/err" || fail "$(cat "$work/err")"
# Half of it, killed; then the rest.
kill_at="$((people * 3)):after"
batch 137 run
kill_at=''
half=$(grep -c '^\[[0-9]*/[0-9]*\] .*: put in a token\.$' "$work/err")
[ "$half" -gt 1 ] || fail "killed after $half: $(cat "$work/err")"
[ "$half" -lt "$people" ] || fail 'not killed in the middle'
batch 9 run
batch 0 resume --json
jq -e ".schema == 1 and .done == $people and .total == $people" "$work/out" >/dev/null || fail "$(cat "$work/out")"
[ "$(grep -c '^\[[0-9]*/[0-9]*\] .*: put in a token\.$' "$work/err")" -eq $((people - half)) ] || fail "$(cat "$work/err")"
everybody "$people" 'killed in the middle'
ok "$people people, $people tokens, one command, killed in the middle and resumed"

# One of them has a wrong code; a token that is no longer free is handed in; one is pulled out before it is used.
cp "$work/owners/$(jq -r '.people[0].token' "$work/out")" "$work/used"
people 3
cp "$work/list/code 2" "$work/kept"
printf 'wrong\n' >"$work/list/code 2"
next=$(cat "$work/used")
batch 17 run --json
grep -q 'already holds\|is taken\|not free' "$work/err" || fail "the token that is used was taken: $(cat "$work/err")"
[ "$(jq -r '[.people[] | .state] | join(" ")' "$work/out")" = 'done failed done' ] || fail "$(cat "$work/out")"
[ "$(jq -r '.people[1].error, .error.name' "$work/out" | tr '\n' ' ')" = 'ca_refused partly ' ] || fail "$(cat "$work/out")"
batch 17 resume
cp "$work/kept" "$work/list/code 2"
batch 0 resume --json
everybody 3 'a wrong code'
ok 'done in part: exit 17; what was wrong put right, resume does the rest'

people 1
next=nothing
batch 3 run --wait 1
grep -q 'No token was put in' "$work/err" || fail "$(cat "$work/err")"
next=''
printf '654321\n' >"$work/wrong"
batch 4 run --pin-file "$work/wrong"
[ "$("$ingam" token info --json 2>/dev/null | jq .token.pin_tries)" -eq 2 ] || fail 'not one try was used'
INGAM_PIN=123456 expect_exit 2 "$ingam" batch run "$work/list/people.csv" --issuer "$url"
expect_exit 2 "$ingam" batch run "$work/list/people.csv" --issuer "$url" --replace
jq -Rs 'split("\r\n")[1] | split(",")' "$work/list/people.csv" >/dev/null
printf '{"people": [{"name": "제이슨", "reference": "%s", "code_file": "code 1", "slot": "9c"}]}' "$reference" >"$work/list/people.json"
"$sim" ctl "$control" swap "$work/images/json" >/dev/null
expect_exit 0 "$ingam" batch run "$work/list/people.json" --issuer "$url" --key-type p256 --pin-file "$work/pin" --default-admin
"$ingam" cert show 9c >/dev/null 2>&1 || fail 'not in the slot of the list'
"$sim" ctl "$control" remove >/dev/null
ok 'no token: exit 3; a wrong PIN stops after one try; a list in JSON'

number=0
printf 'x\n' >"$work/list/c"
while IFS= read -r text; do
    number=$((number + 1))
    # shellcheck disable=SC2059 # the lines are formats
    printf "$text" >"$work/list/bad"
    expect_exit 2 "$ingam" batch run "$work/list/bad" --issuer "$url"
done <<'END'

name,reference\na,1\n
name,reference,code_file\n
name,reference,code_file\na,1\n
name,reference,code_file,PIN\na,1,c,123456\n
name,reference,code_file\na,1,c\nb,1,c\n
name,reference,code_file\na,1,missing\n
name,reference,code_file\n"a,1,c\n
name,reference,code_file\n"a"b,1,c\n
name,reference,code_file\n\377,1,c\n
name,reference,code_file\n,1,c\n
[1]
[{"name": "a", "reference": 1, "code_file": "c"}]
{"people": {}}
[{"name": "a", "name": "b", "reference": "1", "code_file": "c"}]
[{"name": "a"
END
expect_exit 2 "$ingam" batch run "$work/list/nothing" --issuer "$url"
ok "$number lists that cannot be used: exit 2, nothing begun"

# Killed there, then resumed; fails when the run ended undisturbed.
try() {
    people 2
    kill_at=$1
    batch 137 run || return 1
    kill_at=
    if [ -n "$(find "$HOME" -name 'batch-*.json')" ]; then
        batch 9 run
        batch 0 resume --json
    else
        batch 0 run --json
    fi
    everybody 2 "killed at $1"
}
moment=1
while try "$moment:after"; do
    [ $moments = once ] || try "$moment:before"
    moment=$((moment + 1))
done
kill_at=
[ "$moment" -ge 10 ] || fail "only $((moment - 1)) states became durable"
ok "killed at each of $((moment - 1)) moments and resumed: everybody has one certificate, on their own token"
stack_done
