#!/bin/sh
# A new CA key: link certificates, both keys' CRLs and OCSP answers, clients that know only one of them, calls that are
# killed, backup.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init='--test-profile --public-url http://desk.example'
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="$desk_init --db $postgres"
fi
desk_serve
issue() {
    authorize "$1"
    p256 "$work/$1.key"
    cmp "$1" "$work/$1.key" -certout "$work/$1.pem" -cacertsout "$work/$1.ca" -extracertsout "$work/$1.extra" ||
        fail "$(cat "$work/cmp.out")"
}
get() {
    curl -sSf -o "$work/$2" "http://$server$1"
}
issue first
[ "$(desk_do authority show | grep -c BEGIN)" -eq 1 ] || fail 'more than one CA'

# Calls that are killed: the old key stays, and the desk opens.
for delay in 0.002 0.004 0.008 0.012 0.02 0.03; do
    timeout -s KILL "$delay" "$issuer" authority rollover --dir "$desk" --key p384 >"$work/out" 2>&1 || :
    count=$(desk_do authority show | grep -c BEGIN)
    [ "$count" -lt 2 ] || break
done
if [ "$count" -eq 1 ]; then
    printf 'left behind by a killed call\n' >"$desk/ca-2.key"
    desk_exit 0 authority rollover --key p384
fi
[ "$(desk_do authority show | grep -c BEGIN)" -eq 2 ] || fail 'not two CAs'
[ "$(desk_do authority show --links | grep -c BEGIN)" -eq 2 ] || fail 'not two links'
desk_exit 0 log verify
# A desk whose keys are encrypted: the new key is too.
echo 'correct horse' >"$work/passphrase"
expect_exit 0 "$issuer" init --dir "$work/sealed" --name S --passphrase-file "$work/passphrase"
expect_exit 4 "$issuer" authority rollover --dir "$work/sealed"
expect_exit 0 "$issuer" authority rollover --dir "$work/sealed" --passphrase-file "$work/passphrase"
grep -q 'ENCRYPTED PRIVATE KEY' "$work/sealed/ca-2.key" || fail 'the new key is in the clear'
expect_exit 0 "$issuer" authority show --dir "$work/sealed" --passphrase-file "$work/passphrase"
ok 'killed at any moment, a call leaves the old key or has made the new one, encrypted as the old one is'

# A desk that runs goes on with the key that it has opened.
issue meanwhile
openssl verify -partial_chain -CAfile "$desk/ca.crt" "$work/meanwhile.pem" >/dev/null || fail 'not by the old key'
stop serve
desk_serve
issue second
old="$desk/ca.crt" new="$desk/ca-2.crt"
desk_do authority show --links >"$work/all.pem"
openssl verify -CAfile "$new" "$work/second.pem" >/dev/null || fail 'the new root does not verify the new certificate'
! openssl verify -CAfile "$old" "$work/second.pem" >/dev/null 2>&1 || fail 'the old root alone verifies the new certificate'
openssl verify -CAfile "$old" -untrusted "$work/all.pem" "$work/second.pem" >/dev/null || fail 'newWithOld does not lead there'
openssl verify -CAfile "$new" -untrusted "$work/all.pem" "$work/first.pem" >/dev/null || fail 'oldWithNew does not lead there'
openssl verify -CAfile "$old" "$work/first.pem" >/dev/null || fail 'the old certificate does not verify any more'
[ "$(grep -c BEGIN "$work/second.ca")" -eq 2 ] || fail 'caPubs has not both roots'
openssl verify -CAfile "$old" -untrusted "$work/second.extra" "$work/second.pem" >/dev/null ||
    fail 'the answer does not bring what a client of the old root needs'
openssl x509 -in "$work/second.pem" -noout -text >"$work/text"
grep -q 'http://desk.example/crl/2' "$work/text" || fail "$(cat "$work/text")"
ok 'old and new certificates verify from either root'

# Messages of the desk that are protected by signature, for clients that trust one root only.
for root in "$old" "$new"; do
    openssl cmp -config /dev/null -server "$server" -path /cmp -cmd genm -cert "$work/first.pem" -key "$work/first.key" \
        -trusted "$root" -unprotected_errors >"$work/cmp.out" 2>&1 || :
    grep -q 'PKIFailureInfo: badTime' "$work/cmp.out" || fail "with $root: $(cat "$work/cmp.out")"
done
ok 'either root verifies what the desk says'

desk_exit 0 certificate revoke --serial "$(serial_of "$work/first.pem")"
desk_exit 0 certificate revoke --serial "$(serial_of "$work/second.pem")" --reason keyCompromise
get /ca.crl one.crl
get /crl/1 same.crl
get /crl/2 two.crl
get /ca/2 ca2.der
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://$server/crl/3")" = 404 ] || fail 'a third key'
! get /crl/x three.crl 2>/dev/null || fail 'a key of no number'
diff "$work/one.crl" "$work/same.crl" || fail 'two CRLs of one key'
openssl x509 -in "$work/ca2.der" -inform DER -outform PEM | diff - "$new" || fail 'another CA certificate'
openssl crl -inform DER -in "$work/one.crl" -CAfile "$old" -noout 2>&1 | grep -q 'verify OK' || fail 'old CRL'
openssl crl -inform DER -in "$work/two.crl" -CAfile "$new" -noout 2>&1 | grep -q 'verify OK' || fail 'new CRL'
for pair in 'one first second' 'two second first'; do
    # Three words.
    # shellcheck disable=SC2086
    set -- $pair
    openssl crl -inform DER -in "$work/$1.crl" -noout -text >"$work/text"
    grep -q "$(serial_of "$work/$2.pem")" "$work/text" || fail "$2 is not in its CRL"
    ! grep -q "$(serial_of "$work/$3.pem")" "$work/text" || fail "$3 is in the other's CRL"
done
issue third
for pair in "$old first revoked" "$old meanwhile good" "$new second revoked" "$new third good"; do
    # shellcheck disable=SC2086
    set -- $pair
    openssl ocsp -issuer "$1" -cert "$work/$2.pem" -url "http://$server/ocsp" -CAfile "$1" >"$work/ocsp" 2>&1 ||
        fail "$(cat "$work/ocsp")"
    grep -q 'Response verify OK' "$work/ocsp" || fail "$(cat "$work/ocsp")"
    grep -q "$2.pem: $3" "$work/ocsp" || fail "$(cat "$work/ocsp")"
done
ok "each key's CRL and OCSP answers are its own"

signed kur "$work/meanwhile.pem" "$work/meanwhile.key" -newkey "$work/third.key" -certout "$work/none.pem" || :
grep -q badTime "$work/cmp.out" || fail "$(cat "$work/cmp.out")"
expect_exit 0 "$issuer" backup --dir "$desk" --to "$work/backup"
expect_exit 0 "$issuer" restore --dir "$work/again" --from "$work/backup"
[ "$("$issuer" authority show --dir "$work/again" --links | grep -c BEGIN)" -eq 2 ] || fail 'the backup lost a CA'
mv "$work/again/ca-2.key" "$work/away"
expect_exit 9 "$issuer" authority show --dir "$work/again"
says 'copy it'
stop serve
export INGAM_ISSUER_CLOCK_OFFSET=$((340 * 86400))
desk_serve 2>/dev/null
p256 "$work/new.key"
signed kur "$work/meanwhile.pem" "$work/meanwhile.key" -newkey "$work/new.key" -certout "$work/renewed.pem" ||
    fail "$(cat "$work/cmp.out")"
openssl verify -partial_chain -no_check_time -CAfile "$new" "$work/renewed.pem" >/dev/null || fail 'renewed by the old key'
openssl ocsp -issuer "$new" -cert "$work/third.pem" -url "http://$server/ocsp" -resp_text -noverify >"$work/ocsp" 2>&1 || :
produced=$(sed -n 's/ *Produced At: //p' "$work/ocsp")
[ "$(($(date -d "$produced" +%s) - $(date +%s)))" -gt $((339 * 86400)) ] || fail "produced at $produced"
ok 'an old certificate is renewed by the new key; the backup has both; producedAt is the desk'\''s time'
stop serve
stack_done
