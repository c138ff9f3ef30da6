# TLS with the token's keys: OpenSSL is the other side, and the judge. To be sourced after token.sh.
# shellcheck shell=sh disable=SC2034,SC2154

# tls_peer: a key and certificate in files for the judging server.
tls_peer() {
    judge genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/peer.key"
    judge pkey -in "$work/peer.key" -pubout -out "$work/peer.pub"
    issue peer
}

# tls_judge VERSION: a server that demands a client certificate of the CA; $port is its port. It answers a request
# with a page that names the client.
tls_judge() {
    serve tls_server '^ACCEPT' openssl s_server -accept 127.0.0.1:0 "-$1" -www -CAfile "$work/ca.pem" -Verify 1 \
        -verify_return_error -cert "$work/peer.pem" -key "$work/peer.key" || fail "s_server: $(cat "$work/tls_server.log")"
    port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' "$work/tls_server.log" | head -n 1)
    [ -n "$port" ] || fail "no port: $(cat "$work/tls_server.log")"
}

# tls_asks COMMAND...: the client, given a request on its input, must be served a page that names the token's
# certificate $name.
tls_asks() {
    commands=$((commands + 1))
    # The answer ends the connection, but a client may wait for the end of its input too.
    mkfifo "$work/request"
    timeout 60 "$@" <"$work/request" >"$work/said" 2>&1 &
    asking=$!
    exec 7>"$work/request"
    printf 'GET / HTTP/1.0\r\n\r\n' >&7
    wait "$asking" || code=$?
    exec 7>&-
    rm "$work/request"
    said "Subject: .*CN *= *$name" "$*"
    said 'Verify return code: 0 ' "$*"
}

# tls_visits VERSION PORT: OpenSSL as the client of a server with the token's certificate $name.
tls_visits() {
    commands=$((commands + 1))
    printf 'GET / HTTP/1.0\r\n\r\n' | timeout 60 openssl s_client -connect "127.0.0.1:$2" "-$1" -CAfile "$work/ca.pem" \
        -verify_return_error -servername localhost -ign_eof >"$work/said" 2>&1 || true
    said 'Verify return code: 0 ' "s_client $1"
    said "s:O = Interop, CN = $name" "s_client $1"
}
