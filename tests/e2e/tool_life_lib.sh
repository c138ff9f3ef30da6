# A desk with customers and a token, for tests of a certificate's life. To be sourced after tests/lib/stack.sh.
# shellcheck shell=sh disable=SC2034,SC2154
. "$SOURCE/tests/e2e/tool_lib.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"

# A joint certificate that the desk issues with this clock ends in 20 days.
near_end=$((-345 * 86400))
desk_init=--test-profile
printf '123456\n' >"$work/pin"

# desk_at [SECONDS]: the desk serves with its clock shifted by so much, from the port that it had first.
desk_port=0
desk_at() {
    [ -z "$serve_pid" ] || stop serve
    if [ -n "${1:-}" ]; then export INGAM_ISSUER_CLOCK_OFFSET="$1"; else unset INGAM_ISSUER_CLOCK_OFFSET; fi
    [ -d "$desk" ] || "$issuer" init --dir "$desk" --name '시험 인증기관' $desk_init >/dev/null 2>&1
    start serve "$issuer" serve --dir "$desk" --listen "127.0.0.1:$desk_port"
    url=${serve_ready#ready }
    server=${url#http://}
    server=${server%/cmp}
    desk_port=${server#*:}
}

# on_token COMMAND ARGUMENT...: a command of the tool that needs the PIN and the management key.
on_token() {
    "$ingam" "$@" --pin-file "$work/pin" --default-admin
}

# life_issue SLOT WHO: a certificate by the newest reference, the code in $work/code.WHO.
life_issue() {
    expect_exit 0 on_token issue "$1" --issuer "$url" --reference "$reference" --code-file "$work/code.$2" --key-type p256
}

# in_slot SLOT: its certificate's serial number; nothing if there is none.
in_slot() {
    "$ingam" cert show "$1" --json 2>/dev/null | jq -r '.serial_number // empty'
}
