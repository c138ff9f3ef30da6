#!/bin/sh
# NSS's tools use the module: modutil, certutil, cmsutil, signver.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
token_start
token=$(token_name)
db="sql:$work/nssdb"
mkdir "$work/nssdb"
printf '%s\n' "$pin" >"$work/pin"
: >"$work/empty"
printf 'a text to be signed\n' >"$work/text"

does modutil -dbdir "$db" -create -force
does modutil -dbdir "$db" -add judged -libfile "$module" -force
# modutil's exit code is an error when a slot is empty, as the second of vpcd's readers is.
run modutil -dbdir "$db" -list judged
said "Token Name: $token" 'modutil -list'
ok 'modutil adds the module and lists its token'
says "$token" certutil -U -d "$db"
ok 'certutil -U shows the token'
does certutil -A -d "$db" -n 'Interop CA' -t CT,C,C -i "$work/ca.pem" -f "$work/empty"
says 'u,u,u' certutil -L -d "$db" -h "$token" -f "$work/pin"
[ "$(grep -c 'u,u,u' "$work/said")" -eq "$keys" ] || fail "not $keys certificates with keys: $(cat "$work/said")"
ok "certutil -L: $keys certificates, each with its key"
does certutil -K -d "$db" -h "$token" -f "$work/pin"
[ "$(grep -c '^<' "$work/said")" -eq "$keys" ] || fail "not $keys keys: $(cat "$work/said")"
ok "certutil -K: $keys private keys"

# The names that NSS gives them: token and label.
nick_of() {
    certutil -L -d "$db" -h "$token" -f "$work/pin" 2>/dev/null | sed -n 's/ *u,u,u *$//p' >"$work/nicks"
    while read -r nick; do
        if certutil -L -d "$db" -h "$token" -f "$work/pin" -n "$nick" -a 2>/dev/null | tr -d '\r' | cmp -s - "$work/$1.pem"; then
            printf '%s\n' "$nick"
            return 0
        fi
    done <"$work/nicks"
    fail "no certificate $1 among $(cat "$work/nicks")"
}
for name in auth sign card; do
    nick=$(nick_of "$name")
    says 'certificate is valid' certutil -V -d "$db" -h "$token" -n "$nick" -u C -e -f "$work/pin"
    does cmsutil -S -d "$db" -N "$nick" -f "$work/pin" -i "$work/text" -o "$work/text.cms"
    judge cms -verify -inform DER -in "$work/text.cms" -CAfile "$work/ca.pem" -purpose any -binary -out "$work/verified"
    same "$work/verified" "$work/text"
done
ok 'cmsutil signs with RSA, with P-256 and with the key that wants a PIN each time; OpenSSL verifies'
does cmsutil -S -T -d "$db" -N "$(nick_of auth)" -f "$work/pin" -i "$work/text" -o "$work/text.p7"
says 'signatureValid=yes' signver -V -d "$db" -i "$work/text" -s "$work/text.p7"
ok 'signver verifies'
judge cms -encrypt -binary -aes128 -in "$work/text" -outform DER -out "$work/text.env" "$work/decrypt.pem"
does cmsutil -D -d "$db" -f "$work/pin" -i "$work/text.env" -o "$work/opened"
same "$work/opened" "$work/text"
ok 'cmsutil decrypts'
says 'deleted from database' modutil -dbdir "$db" -delete judged -force
ok 'modutil removes the module'
session_done
