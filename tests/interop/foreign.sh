# Scripted sessions of foreign programs: each command is run, bounded in time, judged by what it says, and counted.
# To be sourced after tests/lib/stack.sh; a session ends by session_done.
# shellcheck shell=sh disable=SC2034,SC2154

commands=0
default_pin=123456
default_puk=12345678
default_admin=010203040506070801020304050607080102030405060708

# The name that ykcs11 and yubico-piv-tool recognise a YubiKey's reader by.
yubico_reader="Yubico YubiKey CCID"

# What the command printed, both streams, is in $work/said; its exit code in $code.
# "p11 ARGUMENT..." means pkcs11-tool with the module.
run() {
    commands=$((commands + 1))
    if [ "$1" = p11 ]; then
        shift
        set -- pkcs11-tool --module "$module" "$@"
    fi
    code=0
    timeout "${patience:-60}" "$@" >"$work/said" 2>&1 </dev/null || code=$?
    [ "$code" -ne 124 ] || fail "no end after ${patience:-60} s: $*"
}

# does COMMAND...: it must succeed.
does() {
    run "$@"
    [ "$code" -eq 0 ] || fail "exit code $code: $*: $(cat "$work/said")"
}

# says PATTERN COMMAND...: it must succeed, and print something that matches (-: whatever it prints).
says() {
    pattern=$1
    shift
    does "$@"
    said "$pattern" "$*"
}

# refuses PATTERN COMMAND...: it must fail, and print something that matches.
refuses() {
    pattern=$1
    shift
    run "$@"
    [ "$code" -ne 0 ] || fail "succeeded, and must not: $*: $(cat "$work/said")"
    said "$pattern" "$*"
}

said() {
    [ "$1" != - ] || return 0
    grep -Eq -- "$1" "$work/said" || fail "nothing like '$1' was said by: $2: $(cat "$work/said")"
}

# not_said PATTERN: the last command printed nothing that matches.
not_said() {
    ! grep -Eq -- "$1" "$work/said" || fail "'$1' was said: $(cat "$work/said")"
}

# OpenSSL judges, and is not counted.
judge() {
    openssl "$@" >"$work/judged" 2>&1 </dev/null || fail "openssl $*: $(cat "$work/judged")"
}

# same FILE FILE: equal contents.
same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

# make_ca: a certificate authority in $work: ca.pem, ca.key.
make_ca() {
    judge req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
        -days 30 -subj '/O=Interop/CN=Interop CA'
}

# issue NAME: $work/NAME.pem, a certificate of the CA on the public key $work/NAME.pub, for client, server and mail.
issue() {
    cat >"$work/$1.ext" <<END
basicConstraints=critical,CA:FALSE
keyUsage=digitalSignature,keyEncipherment,dataEncipherment,keyAgreement
extendedKeyUsage=clientAuth,serverAuth,emailProtection
subjectAltName=DNS:localhost,email:$1@example.org
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
END
    judge x509 -new -subj "/O=Interop/CN=$1" -force_pubkey "$work/$1.pub" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
        -extfile "$work/$1.ext" -days 30 -out "$work/$1.pem"
}

# serve NAME PATTERN COMMAND...: starts a server and waits until it has said something that matches; its output goes
# to $work/NAME.log, its process is ${NAME}_pid. Fails (1) when it ends before.
serve() {
    serve_name=$1 serve_pattern=$2
    shift 2
    commands=$((commands + 1))
    # Emptied here: the last one of that name may have said that it is ready.
    : >"$work/$serve_name.log"
    "$@" >>"$work/$serve_name.log" 2>&1 </dev/null &
    serve_pid=$!
    stack_pids="$serve_pid $stack_pids"
    eval "${serve_name}_pid=$serve_pid"
    wait_for 30 "$serve_name to start" serve_settled
    grep -Eq -- "$serve_pattern" "$work/$serve_name.log"
}
serve_settled() {
    grep -Eq -- "$serve_pattern" "$work/$serve_name.log" || ! kill -0 "$serve_pid" 2>/dev/null
}

# serve_on_port NAME PATTERN COMMAND...: the same for a program that wants a port number: the word PORT stands for
# it, and another is tried while it is taken. Sets $port.
serve_on_port() {
    on_name=$1 on_pattern=$2
    shift 2
    printf '%s\n' "$@" >"$work/$on_name.words"
    for on_try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + ($$ * 131 + on_try * 977 + commands * 37) % 10000))
        set --
        while read -r word; do
            [ "$word" = PORT ] && word=$port
            set -- "$@" "$word"
        done <"$work/$on_name.words"
        if serve "$on_name" "$on_pattern" "$@"; then
            return 0
        fi
    done
    fail "$on_name does not start: $(cat "$work/$on_name.log")"
}

# quit NAME: ends a server.
quit() {
    eval "quit_pid=\$${1}_pid"
    # shellcheck disable=SC2154
    kill -TERM "$quit_pid" 2>/dev/null || true
    wait "$quit_pid" 2>/dev/null || true
    stack_pids=$(printf ' %s ' "$stack_pids" | sed "s/ $quit_pid / /")
}

# take_out NAME: that card leaves its reader; returns when pcscd shows no card any more.
take_out() {
    stop "$1"
    stack_cards=0
    wait_for 15 'the reader to be empty' sh -c "! opensc-tool -l | grep -q ' Yes '"
}

session_done() {
    printf '%d commands of foreign programs\n' "$commands"
    [ "$commands" -gt 0 ] || fail "no foreign program was run"
    stack_done
}
