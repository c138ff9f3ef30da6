#!/bin/sh
# CRL and OCSP for what the desk issued, judged by OpenSSL: revoked, suspended, resumed, unknown; numbers rise across
# restarts.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"

desk_init='--public-url http://desk.example'
desk_serve
p256 "$work/key.pem"
p256 "$work/other.pem"
authorize good
cmp good "$work/key.pem" -certout "$work/good.pem" || fail "$(cat "$work/cmp.out")"
authorize bad
cmp bad "$work/other.pem" -certout "$work/bad.pem" || fail "$(cat "$work/cmp.out")"
bad=$(serial_of "$work/bad.pem")
openssl x509 -in "$work/good.pem" -noout -ext crlDistributionPoints,authorityInfoAccess >"$work/ext"
grep -q 'URI:http://desk.example/ca.crl' "$work/ext" || fail 'no CRL address'
grep -q 'OCSP - URI:http://desk.example/ocsp' "$work/ext" || fail 'no OCSP address'
ok 'certificates say where CRL and OCSP are'

fetch() {
    base=http://$server
    curl -sf -m 20 -o "$work/ca.crl" "$base/ca.crl" || fail 'no CRL'
    openssl crl -inform DER -in "$work/ca.crl" -out "$work/crl.pem" -CAfile "$desk/ca.crt" -verify 2>"$work/crl.out" ||
        fail "$(cat "$work/crl.out")"
    number=$(openssl crl -in "$work/crl.pem" -noout -crlnumber | sed 's/.*=0x//')
}
checked() {
    openssl verify -crl_check -CAfile "$desk/ca.crt" -CRLfile "$work/crl.pem" "$1" >"$work/verify.out" 2>&1
}
# ocsp CERTIFICATE WORD: this is what OCSP says of it.
ocsp() {
    openssl ocsp -issuer "$desk/ca.crt" -cert "$1" -url "http://$server/ocsp" -CAfile "$desk/ca.crt" >"$work/ocsp.out" 2>&1 ||
        fail "$(cat "$work/ocsp.out")"
    grep -q 'Response verify OK' "$work/ocsp.out" || fail "$(cat "$work/ocsp.out")"
    grep -q "$1: $2" "$work/ocsp.out" || fail "not $2: $(cat "$work/ocsp.out")"
}

curl -sf -m 20 "http://$server/ca.crt" | openssl x509 -inform DER -noout -subject >/dev/null || fail 'no CA certificate'
fetch
first=$number
checked "$work/good.pem" || fail "$(cat "$work/verify.out")"
ocsp "$work/good.pem" good
fetch
[ "$number" = "$first" ] || fail 'a new CRL though nothing changed'
ok 'nothing is revoked'

desk_exit 0 certificate suspend --serial "$bad"
fetch
[ "$number" != "$first" ] || fail 'the same number'
openssl crl -in "$work/crl.pem" -noout -text | grep -A4 "$bad" | grep -q 'Certificate Hold' || fail 'no certificateHold'
! checked "$work/bad.pem" || fail 'a suspended certificate verifies'
grep -q 'certificate revoked' "$work/verify.out" || fail "$(cat "$work/verify.out")"
ocsp "$work/bad.pem" revoked
grep -q 'certificateHold' "$work/ocsp.out" || fail "$(cat "$work/ocsp.out")"
desk_exit 0 certificate resume --serial "$bad"
fetch
checked "$work/bad.pem" || fail "$(cat "$work/verify.out")"
ocsp "$work/bad.pem" good
ok 'suspended, and resumed'

desk_exit 0 certificate revoke --serial "$bad" --reason keyCompromise
stop serve
desk_serve
before=$number
fetch
[ $((0x$number)) -gt $((0x$before)) ] || fail "CRL number $number after $before"
! checked "$work/bad.pem" || fail 'a revoked certificate verifies'
checked "$work/good.pem" || fail "$(cat "$work/verify.out")"
ocsp "$work/bad.pem" revoked
grep -q 'keyCompromise' "$work/ocsp.out" || fail "$(cat "$work/ocsp.out")"
ok 'revoked, in CRL and OCSP, after a restart'

authorize rejected
! cmp rejected "$work/key.pem" -out_trusted "$work/good.pem" -certout "$work/none.pem" || fail 'not refused'
fetch
[ "$(openssl crl -in "$work/crl.pem" -noout -text | grep -c 'Serial Number:')" -eq 2 ] || fail 'the rejected one is missing'
ok 'a certificate that its owner rejected is on the CRL'

openssl ocsp -issuer "$desk/ca.crt" -serial 0x1234 -url "http://$server/ocsp" -CAfile "$desk/ca.crt" >"$work/ocsp.out" 2>&1
grep -q '0x1234: unknown' "$work/ocsp.out" || fail "$(cat "$work/ocsp.out")"
openssl ocsp -issuer "$desk/ca.crt" -cert "$work/good.pem" -no_nonce -reqout "$work/ask.der"
path=$(base64 -w0 "$work/ask.der" | sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g')
curl -sf -m 20 -o "$work/answer.der" "http://$server/ocsp/$path" || fail 'no OCSP by GET'
openssl ocsp -issuer "$desk/ca.crt" -cert "$work/good.pem" -respin "$work/answer.der" -no_nonce -CAfile "$desk/ca.crt" 2>&1 |
    grep -q ': good' || fail 'OCSP by GET'
ok 'OCSP knows what it does not know, and answers GET'

status() {
    want=$1
    shift
    got=$(curl -s -m 20 -o "$work/body" -w '%{http_code}' "$@") || fail "no answer: $*"
    [ "$got" = "$want" ] || fail "status $got, not $want: $*"
}
status 405 -X POST --data x "http://$server/ca.crl"
status 415 --data x "http://$server/ocsp"
status 400 "http://$server/ocsp/!!!!x"
status 200 --data nonsense -H 'Content-Type: application/ocsp-request' "http://$server/ocsp"
openssl ocsp -respin "$work/body" 2>&1 | grep -qi 'malformedrequest' || fail 'not malformedRequest'
head -c 20000 /dev/zero >"$work/long"
status 413 --data-binary "@$work/long" -H 'Content-Type: application/ocsp-request' "http://$server/ocsp"
ok 'requests that cannot be read are refused'
stop serve
stack_done
