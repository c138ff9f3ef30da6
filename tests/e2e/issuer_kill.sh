#!/bin/sh
# The desk is killed before and after every commit of issue, renewal and revocation; started again, the same request is
# made good, and the registry has one valid certificate or none, never a lost one.
# Functions are called by name.
# shellcheck disable=SC2317
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init=--test-profile
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="$desk_init --db $postgres"
fi
desk_serve
checks_set
customer_add 홍길동 individual 900101-1234568
issued() {
    apply "$customer" "$1" --class joint
    p256 "$work/$1.key"
    cmp "$1" "$work/$1.key" -certout "$work/$1.pem" || fail "$(cat "$work/cmp.out")"
}
p256 "$work/next.key"

serve_normally() {
    desk_serve 2>/dev/null
}
# A desk that dies at this step once it is armed.
serve_doomed() {
    rm -f "$work/armed"
    start serve env LD_PRELOAD="$BUILD/tests/e2e/libissuer_killer.so" INGAM_TEST_KILL="$1" INGAM_TEST_ARM="$work/armed" \
        "$issuer" serve --dir "$desk" --listen 127.0.0.1:0
    server=${serve_ready#ready http://}
    server=${server%/cmp}
}
died() {
    ! kill -0 "$serve_pid" 2>/dev/null
}
# doomed NAME REQUEST...: makes the request of a desk that dies at step 1, 2, ... until one lives through it; after each
# death the request is repeated and `agree NAME` looks at the registry. Sets steps.
doomed() {
    doomed_name=$1
    shift
    steps=0
    while :; do
        steps=$((steps + 1))
        [ "$steps" -lt 12 ] || fail "$doomed_name has no end"
        lived=
        for moment in before after; do
            "prepare_$doomed_name"
            stop serve
            serve_doomed "$steps:$moment"
            : >"$work/armed"
            if "$@"; then lived=yes; fi
            if [ -n "$lived" ] && ! died; then break; fi
            wait_for 10 'the death of the desk' died
            rm -f "$work/armed"
            stop serve
            serve_normally
            "$@" || "repeated_$doomed_name" || fail "$doomed_name $steps:$moment: $(cat "$work/cmp.out")"
            "agree_$doomed_name" "$steps:$moment"
        done
        rm -f "$work/armed"
        stop serve
        serve_normally
        [ -z "$lived" ] || break
    done
    steps=$((steps - 1))
    [ "$steps" -gt 0 ] || fail "$doomed_name was never killed"
    desk_exit 0 log verify
}
valid_of() {
    desk_do certificate list --json 2>/dev/null |
        jq --arg reference "$1" '[.certificates[] | select(.reference == $reference and .state == "confirmed" and .status == "valid")] | length'
}

prepare_issue() {
    apply "$customer" issue --class joint
}
repeated_issue() { # the confirmation was written, and only its answer lost
    grep -q certConfirmed "$work/cmp.out"
}
agree_issue() {
    [ "$(valid_of "$reference")" = 1 ] || fail "issue $1: $(valid_of "$reference") valid certificates"
}
ask_issue() {
    cmp issue "$work/next.key" -certout "$work/none.pem" -msg_timeout 2
}
doomed issue ask_issue
ok "issue: killed before and after each of $steps commits"

prepare_revoke() {
    issued revoke
}
agree_revoke() {
    status_is "$(serial_of "$work/revoke.pem")" revoked
}
ask_revoke() {
    signed rr "$work/revoke.pem" "$work/revoke.key" -oldcert "$work/revoke.pem" -revreason 1 -msg_timeout 2
}
doomed revoke ask_revoke
ok "revocation: killed before and after each of $steps commits"

# Renewal, in the last 30 days: certificates of before, and the clock shifted.
number=0
while [ "$number" -lt 14 ]; do
    number=$((number + 1))
    issued "old-$number"
done
stop serve
export INGAM_ISSUER_CLOCK_OFFSET=$((340 * 86400))
serve_normally
next=0
prepare_renew() {
    next=$((next + 1))
    [ "$next" -le 14 ] || fail 'too many steps'
}
repeated_renew() {
    grep -qi 'keyUpdateWarning\|key update warning\|certConfirmed' "$work/cmp.out"
}
agree_renew() {
    old=$(serial_of "$work/old-$next.pem")
    status_is "$old" revoked 2>/dev/null
    desk_do certificate list --json 2>/dev/null >"$work/list"
    new=$(jq -r --arg old "$old" '.certificates[] | select(.serial == $old) | .replaced_by' "$work/list")
    jq -e --arg new "$new" '.certificates[] | select(.serial == $new) | .state == "confirmed" and .status == "valid"' "$work/list" \
        >/dev/null || fail "renew $1: the new one"
}
ask_renew() {
    signed kur "$work/old-$next.pem" "$work/old-$next.key" -newkey "$work/next.key" -certout "$work/none.pem" -msg_timeout 2
}
doomed renew ask_renew
ok "renewal: killed before and after each of $steps commits"
stop serve
stack_done
