#!/bin/sh
# A command of a certificate's life, killed at every moment at which a state becomes durable, and its desk killed at the same
# moments: the same command, run again, ends with registry, token and record agreeing. The argument is the command.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_life_lib.sh
. "$SOURCE/tests/e2e/tool_life_lib.sh"

deed=$1
desk_at
checks_set
customer_add 홍길동 individual 900101-1234568
# Another desk of the same registry lives in the past: what it issues ends soon.
INGAM_ISSUER_CLOCK_OFFSET=$near_end start past "$issuer" serve --dir "$desk" --listen 127.0.0.1:0
past_url=${past_ready#ready }

# A new token; with a certificate in 9a, unless it is about to get its first one.
prepare() {
    [ -z "${token_pid:-}" ] || stop token
    rm -rf "$work"/token.* "$HOME/.local" "$work/code"
    unset INGAM_SIM
    start_sim token --profile yubikey-5.4
    if [ "$deed" = reissue ]; then apply "$customer" "$1" --class joint; else authorize "$1"; fi
    [ "$deed" != issue ] || return 0
    expect_exit 0 on_token issue 9a --issuer "$past_url" --reference "$reference" --code-file "$work/code.$1" --key-type p256
    first=$(in_slot 9a)
    [ "$deed" != reissue ] || apply "$customer" "$1" --kind reissue --class joint --serial "$first"
}

# How many certificates stand, and how many are neither here nor there.
standing() {
    desk_do certificate list --json >"$work/certificates"
    jq '[.certificates[] | select(.state == "confirmed" and .status == "valid")] | length' "$work/certificates"
}
hanging() {
    jq '[.certificates[] | select(.state == "reserved" or .state == "issued")] | length' "$work/certificates"
}

# How long the tool waits for a desk that has been killed.
patience=

# What is run, with $reference and the code of the person.
deed_do() {
    # shellcheck disable=SC2086
    case $deed in
    issue) on_token issue 82 --issuer "$url" --reference "$reference" --code-file "$work/code.$1" --key-type p256 $patience ;;
    renew) on_token renew 9a --issuer "$url" --ca "$desk/ca.crt" $patience ;;
    reissue) on_token reissue 9a --issuer "$url" --reference "$reference" --code-file "$work/code.$1" $patience ;;
    revoke) "$ingam" revoke 9a --yes --pin-file "$work/pin" --issuer "$url" --ca "$desk/ca.crt" $patience ;;
    esac
}

agree() {
    [ -z "$(find "$HOME" -name 'issue-*.json')" ] || fail "$1: a journal is left"
    jq -c '[.certificates[] | [.slot, .state + (.pending // "")]]' "$HOME"/.local/state/ingam/issued-*.json >"$work/record"
    case $deed in
    revoke) expected='[["9a","revoked"]]' ;;
    issue) expected='[["82","valid"]]' ;;
    *) expected='[["9a","replaced"],["82","valid"]]' ;;
    esac
    [ "$(cat "$work/record")" = "$expected" ] || fail "$1: the record says $(cat "$work/record")"
    case $deed in
    revoke) change=-1 ;;
    issue) change=1 ;;
    *) change=0 ;;
    esac
    [ "$(standing)" -eq $((stood + change)) ] || fail "$1: $(standing) certificates stand, not $stood + $change"
    [ "$(hanging)" -eq 0 ] || fail "$1: a certificate is issued and not confirmed"
    [ "$deed" = issue ] || status_is "$first" revoked
    [ "$deed" != revoke ] || return 0
    status_is "$(in_slot 82)" valid
    expect_exit 0 "$ingam" cert verify 82 --ca "$desk/ca.crt"
    [ "$("$ingam" key list --json | jq '.keys | length')" -eq "$([ "$deed" = issue ] && echo 1 || echo 2)" ] || fail "$1: keys"
}

disturbed() {
    (
        export LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL="$1"
        deed_do "$2"
    ) >"$work/out" 2>"$work/err" </dev/null
}

# try KIND MOMENT: fails when the run was not disturbed.
try() {
    who="$deed-$1-$(printf '%s' "$2" | tr ':' '-')"
    prepare "$who"
    stood=$(standing)
    got=0
    case $1 in
    tool)
        disturbed "$2" "$who" || got=$?
        [ "$got" -ne 0 ] || return 1
        [ "$got" -eq 137 ] || fail "$who ended with $got: $(cat "$work/err")"
        ;;
    desk)
        INGAM_TEST_PULL="$serve_pid"
        export INGAM_TEST_PULL
        patience='--timeout 3'
        disturbed "$2" "$who" || got=$?
        unset INGAM_TEST_PULL
        patience=
        ! kill -0 "$serve_pid" 2>/dev/null || return 1
        wait "$serve_pid" 2>/dev/null || true
        [ "$got" -eq 0 ] || [ "$got" -eq 13 ] || fail "$who ended with $got: $(cat "$work/err")"
        rm -f "$work/serve.out"
        serve_pid=
        desk_at
        ;;
    esac
    said=$(grep -v '^Requesting\|^Making' "$work/err" | head -n 1)
    [ "$got" -eq 0 ] || expect_exit 0 deed_do "$who"
    agree "$who"
    ok "$who: $said"
}

kinds='tool desk'
# The test of interruption kills the tool while it issues.
[ "$deed" != issue ] || [ -n "${INGAM_SOAK:-}" ] || kinds=desk
for kind in $kinds; do
    moment=1
    while :; do
        # Both sides of each moment with INGAM_SOAK; else one for each program.
        if [ -n "${INGAM_SOAK:-}" ] || [ "$kind" = tool ]; then try "$kind" "$moment:before" || break; fi
        if [ -n "${INGAM_SOAK:-}" ] || [ "$kind" = desk ]; then try "$kind" "$moment:after" || break; fi
        moment=$((moment + 1))
    done
    [ "$moment" -ge "$([ "$deed" = revoke ] && echo 3 || echo 6)" ] || fail "only $((moment - 1)) durable states"
    ok "$deed, the $kind killed: $((moment - 1)) durable states"
done
stack_done
