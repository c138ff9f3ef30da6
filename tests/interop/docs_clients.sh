#!/bin/sh
# Every command of docs/clients.md is run as it stands there, with a token in the reader and servers to go to.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
. "$SOURCE/tests/interop/tls.sh"
. "$SOURCE/tests/interop/sshd.sh"
token_start
tls_peer
tls_judge tls1_3
tls_port=$port
for name in $names; do
    ssh-keygen -i -m PKCS8 -f "$work/$name.pub"
done >"$work/authorized"
sshd_start
mkdir "$work/person"
cp "$work/ca.pem" "$work/person/our-ca.pem"
HOME="$work/person"
serve agent 'SSH_AUTH_SOCK' ssh-agent -D -a "$work/agent" -P "$(readlink -f "$module"),$module"
mkdir "$work/run"

# p11-kit server names its socket before it is there; a person's next command comes later than a test's.
client=$(find /usr/lib -name p11-kit-client.so | head -n 1)
cat >"$work/patient.sh" <<'END'
until_date=$(($(date +%s) + 20))
until [ -S "${P11_KIT_SERVER_ADDRESS#unix:path=}" ] || [ "$(date +%s)" -gt "$until_date" ]; do :; done
exec "$@"
END

# Root's own files are ignored by p11-kit: root reads the page as somebody who is not.
other=
[ "$(id -u)" -ne 0 ] || other='unshare -U'
patience=240
# shellcheck disable=SC2086
run env SSH_AUTH_SOCK="$work/agent" XDG_RUNTIME_DIR="$work/run" \
    $other /usr/bin/python3 "$SOURCE/tests/interop/docs_clients.py" "$SOURCE/docs/clients.md" "$HOME" "$pin" "$default_admin" \
    "/usr/local/lib/pkcs11/ingam-pkcs11.so=$module" \
    "server.example.org:443=localhost:$tls_port" \
    "-p 443 server.example.org=-p $tls_port localhost" \
    "me@server.example.org=-F $work/ssh_config token-test" \
    "pkcs11-tool --module /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so=sh $work/patient.sh pkcs11-tool --module $client"
# A server that the page started and did not come to stop: known by the directory that only it was given.
grep -lzsxF "XDG_RUNTIME_DIR=$work/run" /proc/[0-9]*/environ | while read -r environment; do
    process=${environment#/proc/}
    kill "${process%/environ}" 2>/dev/null || true
done
[ "$code" -eq 0 ] || fail "$(cat "$work/said")"
while read -r line; do
    ok "$line"
done <"$work/said"
session_done
