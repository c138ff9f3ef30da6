#!/bin/sh
# OpenSSL's own CMP client gets certificates from the desk, and is refused where it must be.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"

desk_serve
p256 "$work/key.pem"
p256 "$work/other.pem"

authorize 홍길동 --subject '/C=KR/O=인감/CN=홍길동'
cp "$work/code.홍길동" "$work/code.wrong"
printf 'AAAAA-AAAAA-AAAAA-AAAAA\n' >"$work/code.wrong"
refused badMessageCheck 'not accepted' cmp wrong "$work/key.pem" -certout "$work/none.pem"
[ ! -e "$work/none.pem" ] || fail 'a wrong code gave a certificate'
ok 'a wrong code is refused'

known=$reference
reference=000000000000
refused badMessageCheck 'not accepted' cmp 홍길동 "$work/key.pem"
reference=$known
ok 'an unknown reference number is refused with the same words'

cmp 홍길동 "$work/key.pem" -certout "$work/first.pem" -disable_confirm || fail "$(cat "$work/cmp.out")"
ok 'a certificate comes; the confirmation is lost'
refused duplicateCertReq 'another key' cmp 홍길동 "$work/other.pem"
ok 'another key with the same reference number is refused'
kill -KILL "$serve_pid"
wait "$serve_pid" || true
stop serve
desk_serve
cmp 홍길동 "$work/key.pem" -certout "$work/second.pem" -cacertsout "$work/ca.pem" || fail "$(cat "$work/cmp.out")"
openssl x509 -in "$work/first.pem" -outform DER -out "$work/first.der"
openssl x509 -in "$work/second.pem" -outform DER -out "$work/second.der"
[ "$(sha256sum <"$work/first.der")" = "$(sha256sum <"$work/second.der")" ] || fail 'the retry gave another certificate'
ok 'the desk is killed and started again: the same key gets the same certificate'

openssl verify -x509_strict -CAfile "$desk/ca.crt" "$work/second.pem" >/dev/null
openssl verify -x509_strict -CAfile "$work/ca.pem" "$work/second.pem" >/dev/null
ok 'openssl verifies it against the CA, which came with it'
subject=$(openssl x509 -in "$work/second.pem" -noout -subject -nameopt utf8,sep_comma_plus)
[ "$subject" = 'subject=C=KR,O=인감,CN=홍길동' ] || fail "$subject"
openssl asn1parse -inform DER -in "$work/second.der" | grep -q 'UTF8STRING *:홍길동' ||
    fail 'the name is not a UTF8String'
ok 'the subject is the one that was written down, as UTF8String'
openssl x509 -in "$work/second.pem" -noout -ext keyUsage | grep -q 'Digital Signature, Non Repudiation' || fail 'key usage'
! openssl x509 -in "$work/second.pem" -noout -ext basicConstraints,crlDistributionPoints 2>/dev/null | grep -q CA ||
    fail 'an extension too many'
ok 'the extensions are those of the profile'

refused certConfirmed 'was used' cmp 홍길동 "$work/key.pem"
ok 'the code is spent'

authorize 임꺽정 --tries 1
cp "$work/code.홍길동" "$work/code.wrong"
refused badMessageCheck 'not accepted' cmp wrong "$work/key.pem"
refused notAuthorized 'locked' cmp 임꺽정 "$work/key.pem"
ok 'after too many wrong codes the reference number is locked'

authorize 성춘향
for command in cr p10cr; do
    authorize "$command"
    if [ "$command" = p10cr ]; then
        openssl req -config /dev/null -new -key "$work/key.pem" -subj /CN=me -out "$work/csr.pem"
        set -- -csr "$work/csr.pem"
    else
        set --
    fi
    cmp "$command" "$work/key.pem" -cmd "$command" "$@" -certout "$work/$command.pem" || fail "$(cat "$work/cmp.out")"
    openssl verify -CAfile "$desk/ca.crt" "$work/$command.pem" >/dev/null
    ok "$command gives a certificate"
done
authorize rsa
openssl genrsa -out "$work/rsa.pem" 2048 2>/dev/null
cmp rsa "$work/rsa.pem" -certout "$work/rsa.crt" || fail "$(cat "$work/cmp.out")"
ok 'an RSA key gets a certificate'

# Two desks on one directory: what one began the other ends.
authorize two
serve2_ready=
start serve2 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0
cmp two "$work/key.pem" -certout "$work/two.1" -disable_confirm || fail "$(cat "$work/cmp.out")"
first_server=$server
server=${serve2_ready#ready http://}
server=${server%/cmp}
cmp two "$work/key.pem" -certout "$work/two.2" || fail "$(cat "$work/cmp.out")"
[ "$(openssl x509 -in "$work/two.1" -noout -fingerprint)" = "$(openssl x509 -in "$work/two.2" -noout -fingerprint)" ] ||
    fail 'two desks gave two certificates'
server=$first_server
refused certConfirmed 'was used' cmp two "$work/key.pem"
stop serve2
ok 'two desks on one directory give one certificate'

# Several persons at once: each its own output file.
pids=
for number in 1 2 3 4 5 6; do
    authorize "at-once-$number"
    (
        mkdir "$work/at-once-$number"
        p256 "$work/at-once-$number/key.pem"
        code="$work/code.at-once-$number"
        openssl cmp -config /dev/null -server "$server" -path /cmp -cmd ir -ref "$reference" -secret "file:$code" \
            -newkey "$work/at-once-$number/key.pem" -subject /CN=me -certout "$work/at-once-$number/crt.pem" \
            >"$work/at-once-$number/out" 2>&1
    ) &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || fail 'one of several at once was refused'
done
cat "$work"/at-once-*/crt.pem >"$work/all.pem"
serials=$(for file in "$work"/at-once-*/crt.pem; do openssl x509 -in "$file" -noout -serial; done | sort -u | wc -l)
[ "$serials" -eq 6 ] || fail "only $serials serial numbers"
ok 'six transactions at once give six certificates'

# The client refuses the certificate: the code is not spent.
authorize picky
! cmp picky "$work/key.pem" -out_trusted "$work/first.pem" -certout "$work/none.pem" || fail 'not refused by the client'
grep -q 'result=rejected' "$work/serve.err" || fail 'the rejection is not in the log'
cmp picky "$work/other.pem" -certout "$work/picky.pem" || fail "$(cat "$work/cmp.out")"
ok 'a rejected certificate does not spend the code'

for file in "$work"/code.*; do
    ! grep -qF "$(cat "$file")" "$work/serve.err" || fail 'a code is in the log'
    ! grep -qF "$(cat "$file")" "$desk"/registry.db* || fail 'a code is in the registry in the clear'
done
ok 'no code is in the log or in the registry'
"$issuer" list --dir "$desk" --json | jq -e '[.persons[] | select(.state == "confirmed")] | length >= 11' >/dev/null ||
    fail "$("$issuer" list --dir "$desk")"
ok 'list shows what was issued'

"$BUILD/tests/e2e/issuer_restart" "$issuer" "$desk" || fail 'restart in the middle of a transaction'
ok 'a desk that is killed between ip and certConf goes on after its restart'
stop serve
stack_done
