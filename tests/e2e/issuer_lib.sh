# A desk for a test, and OpenSSL's CMP client. To be sourced after tests/lib/stack.sh.
# shellcheck shell=sh disable=SC2034,SC2154

desk="$work/desk"

serve_ready=
serve_pid=

# Makes the desk if there is none and serves it; url and server (host:port) say where.
desk_serve() {
    # The options are words, to be split.
    # shellcheck disable=SC2086
    [ -d "$desk" ] || "$issuer" init --dir "$desk" --name '시험 인증기관' ${desk_init:-} >/dev/null
    start serve "$issuer" serve --dir "$desk" --listen 127.0.0.1:0
    url=${serve_ready#ready }
    server=${url#http://}
    server=${server%/cmp}
}

# authorize NAME [OPTION...]: sets reference, and writes the code to $work/code.NAME.
authorize() {
    who=$1
    shift
    reference=$("$issuer" authorize --dir "$desk" --name "$who" --code-file "$work/code.$who" "$@" |
        sed -n 's/^reference //p')
    [ -n "$reference" ] || fail "authorize printed no reference number"
}

# cmp NAME KEY [OPTION...]: asks for a certificate for the key with the reference and the code of NAME.
cmp() {
    cmp_code="$work/code.$1" cmp_key=$2
    shift 2
    openssl cmp -config /dev/null -server "$server" -path /cmp -cmd ir -ref "$reference" -secret "file:$cmp_code" \
        -newkey "$cmp_key" -subject /CN=me -unprotected_errors -certout "$work/none.pem" "$@" >"$work/cmp.out" 2>&1
}

# refused FAILINFO WORDS COMMAND...: the command fails, and openssl shows this failInfo and these words.
refused() {
    info=$1 words=$2
    shift 2
    ! "$@" || fail "not refused: $*"
    grep -q "PKIFailureInfo: $info;" "$work/cmp.out" || fail "not $info: $(cat "$work/cmp.out")"
    grep -q "$words" "$work/cmp.out" || fail "does not say '$words': $(cat "$work/cmp.out")"
}

p256() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}
