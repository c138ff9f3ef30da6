#!/bin/sh
# A desk whose CA key is on a token: made, served, pulled and put back, a wrong PIN, rollover from a file to the token.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
start_sim token --profile yubikey-5.4 --serial 4711 --control "unix:$work/control"
pull() {
    "$sim" ctl "unix:$work/control" remove >/dev/null
}
put_in() {
    "$sim" ctl "unix:$work/control" insert >/dev/null
}
admin=010203040506070801020304050607080102030405060708
for id in 02 04; do
    p11 --login --login-type so --so-pin "$admin" --keypairgen --key-type EC:prime256v1 --id "$id" >/dev/null \
        2>"$work/keygen.err" || fail "$(cat "$work/keygen.err")"
done
printf '123456\n' >"$work/pin"
printf '654321\n' >"$work/wrong"
sign_key='pkcs11:serial=4711;id=%02;type=private'
init() {
    code=$1
    shift
    expect_exit "$code" "$issuer" init --dir "$desk" --name '토큰 CA' --test-profile "$@" </dev/null
}
init 2 --ca-key 'pkcs11:serial=4711;id=%02?pin-value=123456' --pin-file "$work/pin"
says 'may not carry a PIN'
init 2 --ca-key 'file:/etc/passwd' --pin-file "$work/pin"
init 8 --ca-key 'pkcs11:serial=4712;id=%02' --pin-file "$work/pin"
says 'is not there'
init 8 --ca-key 'pkcs11:serial=4711;id=%17' --pin-file "$work/pin"
init 4 --ca-key "$sign_key"
says 'pin-file'
init 4 --ca-key "$sign_key" --pin-file "$work/wrong"
says 'not tried again'
[ ! -e "$desk" ] || fail 'half a desk'
init 0 --ca-key "$sign_key" --pin-file "$work/pin"
[ ! -e "$desk/ca.key" ] || fail 'a key in a file too'
! grep -rqF 123456 "$desk" || fail 'the PIN is in the directory'
openssl verify -CAfile "$desk/ca.crt" "$desk/cmp.crt" >/dev/null || fail 'the CMP certificate'
[ "$(openssl x509 -in "$desk/ca.crt" -noout -subject -nameopt utf8,sep_comma_plus)" = 'subject=C=KR,O=토큰 CA,CN=토큰 CA' ] ||
    fail "$(openssl x509 -in "$desk/ca.crt" -noout -subject -nameopt utf8)"
ok 'init: the key that the URI names signs; without its PIN nothing is made'

serve_on_token() {
    start serve "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 "$@"
    server=${serve_ready#ready http://}
    server=${server%/cmp}
}
expect_exit 4 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pin-file "$work/wrong"
pull
expect_exit 8 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pin-file "$work/pin"
says 'put it in'
put_in
exec 7<"$work/pin"
serve_on_token --pin-fd 7
exec 7<&-
authorize one
p256 "$work/one.key"
cmp one "$work/one.key" -certout "$work/one.pem" || fail "$(cat "$work/cmp.out")"
openssl verify -CAfile "$desk/ca.crt" "$work/one.pem" >/dev/null || fail 'the certificate'
curl -sSf -o "$work/ca.crl" "http://$server/ca.crl"
openssl crl -inform DER -in "$work/ca.crl" -CAfile "$desk/ca.crt" -noout 2>&1 | grep -q 'verify OK' || fail 'the CRL'
ocsp() {
    openssl ocsp -issuer "$desk/ca.crt" -cert "$work/one.pem" -url "http://$server/ocsp" -CAfile "$desk/ca.crt" >"$work/ocsp" 2>&1
}
ocsp || fail "$(cat "$work/ocsp")"
grep -q 'one.pem: good' "$work/ocsp" || fail "$(cat "$work/ocsp")"
ok 'certificates, CRL and OCSP answers are signed by the token'

pull
authorize two
p256 "$work/two.key"
refused systemUnavail 'signs for this desk' cmp two "$work/two.key" -certout "$work/two.pem"
ocsp || :
grep -qi 'trylater\|try later' "$work/ocsp" || fail "$(cat "$work/ocsp")"
desk_exit 0 certificate suspend --serial "$(serial_of "$work/one.pem")"
curl -sSf -o "$work/again.crl" "http://$server/ca.crl" || fail 'no CRL while the token is away'
diff "$work/ca.crl" "$work/again.crl" || fail 'another CRL'
put_in
cmp two "$work/two.key" -certout "$work/two.pem" || fail "after it was put back: $(cat "$work/cmp.out")"
curl -sSf -o "$work/new.crl" "http://$server/ca.crl"
openssl crl -inform DER -in "$work/new.crl" -noout -text | grep -q "$(serial_of "$work/one.pem")" || fail 'the new CRL'
ocsp || fail "$(cat "$work/ocsp")"
grep -q 'one.pem: revoked' "$work/ocsp" || fail "$(cat "$work/ocsp")"
ok 'pulled: systemUnavail, tryLater, the last CRL; put back: it goes on by itself'

# Several at once.
pids=
for number in 1 2 3 4 5 6; do
    authorize "many-$number"
    p256 "$work/many-$number.key"
    cp "$work/code.many-$number" "$work/code.$number"
    openssl cmp -config /dev/null -server "$server" -path /cmp -cmd ir -ref "$reference" -secret "file:$work/code.$number" \
        -newkey "$work/many-$number.key" -subject /CN=me -certout "$work/many-$number.pem" >"$work/many.$number" 2>&1 &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || fail "$(cat "$work"/many.?)"
done
stop serve
expect_exit 0 "$issuer" backup --dir "$desk" --to "$work/backup"
expect_exit 0 "$issuer" restore --dir "$work/again" --from "$work/backup"
[ -s "$work/again/ca.uri" ] || fail 'the backup has not where the key is'
ok 'six clients at once; the backup says where the key is'

# From a key in a file to one on the token.
desk="$work/second"
expect_exit 0 "$issuer" init --dir "$desk" --name '파일 CA'
expect_exit 4 "$issuer" authority rollover --dir "$desk" --ca-key 'pkcs11:serial=4711;id=%04' </dev/null
expect_exit 0 "$issuer" authority rollover --dir "$desk" --ca-key 'pkcs11:serial=4711;id=%04' --pin-file "$work/pin"
[ -e "$desk/ca-2.uri" ] || fail 'where is the new key'
[ ! -e "$desk/ca-2.key" ] || fail 'a file too'
serve_on_token --pin-file "$work/pin"
authorize three
p256 "$work/three.key"
cmp three "$work/three.key" -certout "$work/three.pem" || fail "$(cat "$work/cmp.out")"
openssl verify -CAfile "$desk/ca-2.crt" "$work/three.pem" >/dev/null || fail 'not by the token'
"$issuer" authority show --dir "$desk" --links >"$work/links.pem"
openssl verify -CAfile "$desk/ca.crt" -untrusted "$work/links.pem" "$work/three.pem" >/dev/null || fail 'the link'
ok 'rollover onto the token'
stop serve
stack_done
