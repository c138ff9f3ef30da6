# What the tool's tests share: a SoftHSM token of its own, and OpenSSL's CMP server. To be sourced after stack.sh.
# shellcheck shell=sh disable=SC2034,SC2154

softhsm=$(find /usr/lib -name libsofthsm2.so 2>/dev/null | sort | head -n 1)

# softhsm_new LABEL: one more token in a private store; PIN 123456.
softhsm_new() {
    export SOFTHSM2_CONF="$work/softhsm.conf"
    mkdir -p "$work/softhsm"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/softhsm" >"$SOFTHSM2_CONF"
    softhsm2-util --module "$softhsm" --init-token --free --label "$1" --so-pin 12345678 --pin 123456 \
        >/dev/null
    printf '123456\n' >"$work/pin"
}

# foreign_ca: a CA of OpenSSL's own in $work/ca.pem, and a certificate of it for some other key in $work/other.pem.
foreign_ca() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
        -subj '/CN=Foreign CA' -days 10 -addext keyUsage=critical,keyCertSign 2>/dev/null
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -subj /CN=other \
        -out "$work/other.csr" 2>/dev/null
    openssl x509 -req -in "$work/other.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 3 -set_serial 78 \
        -out "$work/other.pem" 2>/dev/null
}

# certificate_for PUBLIC.pem OUT.pem: by that CA, for that key.
certificate_for() {
    openssl req -new -utf8 -key "$work/other.key" -subj "/C=KR/CN=홍길동" -out "$work/any.csr" 2>/dev/null
    openssl x509 -req -in "$work/any.csr" -force_pubkey "$1" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 3 \
        -set_serial 77 -out "$2" 2>/dev/null
}

# start_foreign NAME CODE [OPTION...]: OpenSSL's CMP server; its address is in $url. Without a code it signs.
start_foreign() {
    foreign=$1 code=$2
    shift 2
    [ -z "$code" ] || set -- -srv_ref 4711 -srv_secret "pass:$code" "$@"
    mkfifo "$work/$foreign.out"
    (
        exec 8<>"$work/$foreign.out"
        exec openssl cmp -port 0 "$@" >&8 2>"$work/$foreign.err" </dev/null
    ) &
    eval "${foreign}_pid=$!"
    stack_pids="$! $stack_pids"
    line=
    until [ "${line#ACCEPT}" != "$line" ]; do
        line=$(next_line "$foreign") || fail "openssl cmp did not start: $(cat "$work/$foreign.err")"
    done
    url=$(printf '%s\n' "$line" | sed 's|^ACCEPT [^ ]*:\([0-9]*\).*|http://127.0.0.1:\1/|')
}

# says TEXT: the last expect_exit wrote this on standard error.
says() {
    grep -q -- "$1" "$work/err" || fail "does not say '$1': $(cat "$work/err")"
}
