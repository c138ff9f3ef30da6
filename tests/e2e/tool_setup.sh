#!/bin/sh
# ingam setup: the module in the settings of p11-kit, Firefox, Chromium, OpenSSL and ssh, and out again; each program itself
# says what it found. Done as a user who is not root: p11-kit reads no settings of root's own.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
home="$work/home"
mkdir -p "$home/.pki/nssdb" "$home/.mozilla/firefox/abc.default-esr" "$home/.ssh"
HOME=$home
export HOME
unset XDG_CONFIG_HOME
as_user=
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$work"
    chown -R 65534:65534 "$home"
    as_user='setpriv --reuid 65534 --regid 65534 --clear-groups --'
fi
user() {
    # shellcheck disable=SC2086
    $as_user "$@"
}
# does CODE ARGUMENT...: ingam setup as the user.
does() {
    code=$1
    shift
    # shellcheck disable=SC2086
    expect_exit "$code" $as_user "$ingam" setup "$@"
}
# state PROGRAM: what the last call with --json said of it.
state() {
    jq -r --arg p "$1" '[.programs[] | select(.program == $p) | .state] | join(" ")' "$work/out"
}
for db in "$home/.pki/nssdb" "$home/.mozilla/firefox/abc.default-esr"; do
    user certutil -N -d "sql:$db" --empty-password
    user modutil -force -dbdir "sql:$db" -add Other -libfile "$(find /usr/lib -name p11-kit-trust.so | head -n 1)" </dev/null >/dev/null 2>&1
done
printf 'Host somewhere\n    User me' >"$home/.ssh/config"
cp "$home/.ssh/config" "$work/ssh.before"
cp "$home/.pki/nssdb/pkcs11.txt" "$work/nss.before"
chown -R "$(stat -c %u:%g "$home/.pki")" "$home"

does 0 --dry-run --json
[ "$(state p11-kit) $(state firefox) $(state chromium) $(state ssh)" = 'would_register would_register would_register ' ] ||
    fail "$(cat "$work/out")"
cmp -s "$home/.pki/nssdb/pkcs11.txt" "$work/nss.before" || fail 'a dry run writes'
[ ! -e "$home/.config/pkcs11" ] || fail 'a dry run makes files'
ok 'a dry run only says what would be done'

does 0 --json
[ "$(state p11-kit) $(state firefox) $(state chromium)" = 'registered registered registered' ] || fail "$(cat "$work/out")"
user p11-kit list-modules >"$work/said" 2>&1
grep -q "$(realpath "$module")" "$work/said" || fail "p11-kit does not see it: $(cat "$work/said")"
for db in "$home/.pki/nssdb" "$home/.mozilla/firefox/abc.default-esr"; do
    user modutil -dbdir "sql:$db" -list >"$work/said" 2>&1
    grep -q 'Ingam$' "$work/said" || fail "NSS does not see it: $(cat "$work/said")"
    grep -q 'Other$' "$work/said" || fail "another module is gone: $(cat "$work/said")"
done
does 0 openssl ssh
grep -q PKCS11Provider "$home/.ssh/config" || fail 'nothing for ssh'
[ "$(user ssh -F "$home/.ssh/config" -G somewhere | sed -n 's/^pkcs11provider //p; s/^user //p' | tr '\n' ' ')" = "me $(realpath "$module") " ] ||
    fail "ssh reads it otherwise: $(user ssh -F "$home/.ssh/config" -G somewhere)"
OPENSSL_CONF=$home/.config/ingam/openssl.cnf user openssl engine -t pkcs11 >"$work/said" 2>&1 || fail "$(cat "$work/said")"
grep -q 'available' "$work/said" || fail "OpenSSL's engine is not there: $(cat "$work/said")"
grep -q "MODULE_PATH = $(realpath "$module")" "$home/.config/ingam/openssl.cnf" || fail 'another module for OpenSSL'
ok 'p11-kit, Firefox, Chromium, OpenSSL and ssh find the module'

does 0 --json p11-kit firefox ssh
[ "$(state p11-kit) $(state firefox) $(state ssh)" = 'there there there' ] || fail "$(cat "$work/out")"
does 0 --json --undo chromium
[ "$(state chromium) $(state firefox)" = 'removed ' ] || fail "$(cat "$work/out")"
user modutil -dbdir "sql:$home/.pki/nssdb" -list 2>/dev/null | grep -q Ingam && fail 'still there'
cmp -s "$home/.pki/nssdb/pkcs11.txt" "$work/nss.before" || fail "more than the module went: $(cat "$home/.pki/nssdb/pkcs11.txt")"
ln -s "127.0.0.1:+$$" "$home/.mozilla/firefox/abc.default-esr/lock"
does 10 --undo --json
[ "$(state firefox) $(state p11-kit)" = 'failed removed' ] || fail "$(cat "$work/out")"
rm "$home/.mozilla/firefox/abc.default-esr/lock"
does 0 --undo
[ "$(cat "$home/.ssh/config")" = "$(cat "$work/ssh.before")" ] || fail "ssh's settings are not as before: $(cat "$home/.ssh/config")"
[ ! -e "$home/.config/pkcs11/modules/ingam.module" ] || fail "p11-kit's file is left"
[ ! -e "$home/.config/ingam/openssl.cnf" ] || fail "OpenSSL's file is left"
ok 'undo takes out what was put in and nothing else; a running Firefox is left alone (exit 10)'

does 2 netscape
says 'chromium, openssl, ssh'
expect_exit 8 "$ingam" setup --module "$work/nothing.so"
chmod 500 "$home/.ssh" && does 1 ssh
says 'could not be written'
chmod 700 "$home/.ssh"
stack_done
