#!/bin/sh
# p11-kit finds the module by a configuration file, lists it, passes it to programs through its proxy, and serves it
# to another process over a socket.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
token_start
label=$(token_name)
proxy=$(find /usr/lib -name p11-kit-proxy.so | head -n 1)
client=$(find /usr/lib -name p11-kit-client.so | head -n 1)
[ -n "$proxy$client" ] || fail 'p11-kit is not here'
printf 'a text\n' >"$work/text"
mkdir -p "$work/modules"
printf 'module: %s\ncritical: yes\n' "$module" >"$work/modules/judged.module"

# p11-kit reads no configuration of root's own, so it gets the system's in a mount namespace of its own: for root a
# plain one, for others one of a user namespace.
with_p11kit() {
    namespace=-m
    [ "$(id -u)" -eq 0 ] || namespace=-rm
    # shellcheck disable=SC2016
    run unshare "$namespace" sh -c 'mkdir -p "$1/run" && mount --bind "$1" /usr/share/p11-kit/modules &&
        if [ -d /etc/pkcs11 ]; then mount -t tmpfs tmpfs /etc/pkcs11; fi && shift && exec "$@"' sh "$work/modules" "$@"
}
if unshare -m true 2>/dev/null || unshare -rm true 2>/dev/null; then
    with_p11kit p11-kit list-modules
    [ "$code" -eq 0 ] || fail "list-modules: $(cat "$work/said")"
    said "token: $label" 'p11-kit list-modules'
    [ "$(grep -c '^[a-z]' "$work/said")" -eq 1 ] || fail "not one module: $(cat "$work/said")"
    ok 'list-modules shows the module and its token'
    with_p11kit p11tool --list-tokens
    [ "$code" -eq 0 ] || fail "p11tool --list-tokens: $(cat "$work/said")"
    said "Label: $label" 'p11tool --list-tokens'
    ok 'p11tool finds it without being told'
    with_p11kit pkcs11-tool --module "$proxy" --login --pin "$pin" --sign --id 01 -m SHA256-RSA-PKCS \
        -i "$work/text" -o "$work/sig"
    [ "$code" -eq 0 ] || fail "signing through the proxy: $(cat "$work/said")"
    judge dgst -sha256 -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
    ok 'a program signs through p11-kit-proxy'
else
    printf 'skipped: no mount namespace here, so no private configuration of p11-kit\n'
fi

# Served over a socket, for a program in a sandbox that can't reach the reader.
mkdir -p "$work/server"
XDG_RUNTIME_DIR="$work/server" does p11-kit server -s --provider "$module" -n "$work/server/p11kit.sock" \
    --timeout 60 "pkcs11:token=$(echo "$label" | sed 's/ /%20/g; s/#/%23/g')"
P11_KIT_SERVER_PID=
P11_KIT_SERVER_ADDRESS=
eval "$(cat "$work/said")"
[ -n "$P11_KIT_SERVER_PID" ] || fail "the server names no process: $(cat "$work/said")"
stack_pids="$P11_KIT_SERVER_PID $stack_pids"
export P11_KIT_SERVER_ADDRESS
# It names its socket before the socket is there.
wait_for 20 'the socket of p11-kit server' test -S "$work/server/p11kit.sock"
# The client has neither the reader nor the module.
outside() {
    run env -u PCSCLITE_CSOCK_NAME -u SOFTHSM2_CONF pkcs11-tool --module "$client" "$@"
    [ "$code" -eq 0 ] || fail "through the server: $*: $(cat "$work/said")"
}
outside -L
said "$label" -L
outside -O
said 'Certificate Object' -O
outside --login --pin "$pin" --sign --id 01 -m SHA256-RSA-PKCS -i "$work/text" -o "$work/sig"
judge dgst -sha256 -verify "$work/auth.pub" -signature "$work/sig" "$work/text"
ok 'a program without reader or module signs through p11-kit server'
session_done
