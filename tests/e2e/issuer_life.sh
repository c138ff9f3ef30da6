#!/bin/sh
# The rules of a certificate's life: each one broken, and refused with its words and its code. With the argument
# "postgres" the registry is in a PostgreSQL of the test's own.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="--db $postgres"
fi

day=86400
desk_init="${desk_init:-} --test-profile"
desk_serve
checks_set
p256 "$work/key.pem"
p256 "$work/other.pem"

customer_add 홍길동 individual 900101-1234568
hong=$customer
printf '9001011234568\n' >"$work/number"
desk_exit 14 customer add --name other --kind individual --identity-file "$work/number"
says '900101-1\*\*\*\*\*\*'
printf '901301-1234568\n' >"$work/number"
desk_exit 2 customer add --name other --kind individual --identity-file "$work/number"
printf '124-81-00999\n' >"$work/number"
desk_exit 2 customer add --name other --kind corporation --identity-file "$work/number"
ok 'a person is a customer once; wrong numbers are refused'
customer_add 회사 corporation 124-81-00998
company=$customer

desk_exit 14 application add --customer "$hong" --class joint
says 'all terms'
desk_exit 4 application add --customer "$hong" --class joint --agree
says 'not proved'
desk_exit 0 identity check --customer "$hong" --kind sms
desk_exit 4 application add --customer "$hong" --class joint --agree
ok 'terms, identity and second factor come first'
prove "$hong"
INGAM_ISSUER_CLOCK_OFFSET=700 desk_exit 4 application add --customer "$hong" --class joint --agree
grep -q WARNING "$work/err" || fail 'a shifted clock is not said'
ok 'what a check found out expires'
prove "$company"
desk_exit 14 application add --customer "$company" --class financial --agree
says 'not for this kind'
ok 'the financial certificate is for individuals only'

apply "$hong" first --class financial
cmp first "$work/key.pem" -certout "$work/first.pem" || fail "$(cat "$work/cmp.out")"
first=$(serial_of "$work/first.pem")
days=$((($(date -d "$(openssl x509 -in "$work/first.pem" -noout -enddate | cut -d= -f2)" +%s) - $(date +%s)) / day))
if [ "$days" -lt 1094 ] || [ "$days" -gt 1095 ]; then fail "$days days"; fi
openssl x509 -in "$work/first.pem" -noout -ext certificatePolicies | grep -q 1.2.410.200005.1.1.1.10 || fail policy
ok 'a financial certificate is valid three years and carries its policy'
prove "$hong"
desk_exit 14 application add --customer "$hong" --class financial --agree
says 'one only'
apply "$hong" joint --class joint
cmp joint "$work/other.pem" -certout "$work/joint.pem" || fail "$(cat "$work/cmp.out")"
ok 'one financial certificate a person; a joint one beside it'

# Two applications before the first certificate: the second one is refused when it is used.
customer_add 성춘향 individual 910203-2345674
spring=$customer
apply "$spring" a --class financial
ref_a=$reference
apply "$spring" b --class financial
ref_b=$reference
reference=$ref_a
cmp a "$work/key.pem" -certout "$work/a.pem" -disable_confirm || fail "$(cat "$work/cmp.out")"
reference=$ref_b
refused duplicateCertReq 'being issued' cmp b "$work/other.pem"
reference=$ref_a
cmp a "$work/key.pem" -certout "$work/a.pem" || fail "$(cat "$work/cmp.out")"
reference=$ref_b
refused duplicateCertReq 'one only' cmp b "$work/other.pem"
ok 'two applications of one person give one certificate'

# Reissue revokes the old one.
apply "$hong" again --kind reissue --class financial
status_is "$first" valid
cmp again "$work/other.pem" -certout "$work/second.pem" || fail "$(cat "$work/cmp.out")"
second=$(serial_of "$work/second.pem")
status_is "$first" revoked
status_is "$second" valid
ok 'a reissue revokes the old certificate when the new one is confirmed'

# Renewal.
p256 "$work/new.pem"
refused badTime 'too early' signed kur "$work/second.pem" "$work/other.pem" -newkey "$work/new.pem" -certout "$work/none.pem"
refused certRevoked 'revoked' signed kur "$work/first.pem" "$work/key.pem" -newkey "$work/new.pem" -certout "$work/none.pem"
ok 'a renewal too early, and one of a revoked certificate, are refused'
stop serve
INGAM_ISSUER_CLOCK_OFFSET=$((1096 * day)) desk_serve
refused notAuthorized 'expired' signed kur "$work/second.pem" "$work/other.pem" -newkey "$work/new.pem" \
    -certout "$work/none.pem"
grep -q 'body=kur .*reason=outdated' "$work/serve.err" || fail 'refused too late'
ok 'no renewal after the end'
stop serve
INGAM_ISSUER_CLOCK_OFFSET=$((1080 * day)) desk_serve
refused notAuthorized "another's" signed kur "$work/second.pem" "$work/other.pem" -oldcert "$work/a.pem" \
    -newkey "$work/new.pem" -certout "$work/none.pem"
status_is "$(serial_of "$work/a.pem")" valid
ok "nobody renews another's certificate"
signed kur "$work/second.pem" "$work/other.pem" -newkey "$work/new.pem" -certout "$work/lost.pem" -disable_confirm ||
    fail "$(cat "$work/cmp.out")"
signed kur "$work/second.pem" "$work/other.pem" -newkey "$work/new.pem" -certout "$work/third.pem" || fail "$(cat "$work/cmp.out")"
[ "$(serial_of "$work/lost.pem")" = "$(serial_of "$work/third.pem")" ] || fail 'a retry gave another certificate'
third=$(serial_of "$work/third.pem")
status_is "$second" revoked
status_is "$third" valid
[ "$(openssl x509 -in "$work/third.pem" -noout -subject)" = "$(openssl x509 -in "$work/second.pem" -noout -subject)" ] ||
    fail 'another subject'
ok 'a renewal in the last 30 days gives one certificate, also when it is asked for twice'
! signed kur "$work/second.pem" "$work/other.pem" -newkey "$work/key.pem" -certout "$work/none.pem" || fail 'renewed twice'
grep -qi 'keyUpdateWarning' "$work/cmp.out" || fail "$(cat "$work/cmp.out")"
stop serve
desk_serve
desk_exit 14 application add --customer "$hong" --kind renew --serial "$second" --agree
says 'renewed before'
desk_exit 14 application add --customer "$hong" --kind renew --serial "$third" --agree
says 'too early'
ok 'a second renewal is answered with keyUpdateWarning, and not applied for'

# Revocation, suspension, resumption.
joint=$(serial_of "$work/joint.pem")
refused notAuthorized "another's" signed rr "$work/joint.pem" "$work/other.pem" -oldcert "$work/a.pem" -revreason 1
status_is "$(serial_of "$work/a.pem")" valid
ok "nobody revokes another's certificate"
signed rr "$work/joint.pem" "$work/other.pem" -oldcert "$work/joint.pem" -revreason 6 || fail "$(cat "$work/cmp.out")"
status_is "$joint" suspended
refused notAuthorized 'suspended' signed rr "$work/joint.pem" "$work/other.pem" -oldcert "$work/joint.pem" -revreason 8
desk_exit 0 certificate resume --serial "$joint"
status_is "$joint" valid
desk_exit 0 certificate suspend --serial "$joint"
apply "$hong" resume --kind resume --serial "$joint"
openssl cmp -config /dev/null -server "$server" -path /cmp -cmd rr -ref "$reference" -secret "file:$work/code.resume" \
    -oldcert "$work/joint.pem" -revreason 8 -subject /CN=me >"$work/cmp.out" 2>&1 || fail "$(cat "$work/cmp.out")"
status_is "$joint" valid
ok 'a certificate is suspended by its key, and resumed by the desk or by a code, not by the suspended key'
signed rr "$work/joint.pem" "$work/other.pem" -oldcert "$work/joint.pem" -revreason 1 || fail "$(cat "$work/cmp.out")"
status_is "$joint" revoked
signed rr "$work/joint.pem" "$work/other.pem" -oldcert "$work/joint.pem" -revreason 1 || fail "$(cat "$work/cmp.out")"
refused certRevoked 'revoked' signed rr "$work/joint.pem" "$work/other.pem" -oldcert "$work/joint.pem" -revreason 8
desk_exit 14 certificate resume --serial "$joint"
desk_exit 8 certificate revoke --serial 00
desk_exit 2 certificate revoke --serial "$joint" --reason boredom
ok 'revoked is for ever, and asking twice changes nothing'
openssl req -config /dev/null -x509 -newkey rsa:2048 -nodes -keyout "$work/foreign.key" -out "$work/foreign.pem" -subj /CN=x \
    2>/dev/null
refused signerNotTrusted 'not of a certificate' signed rr "$work/foreign.pem" "$work/foreign.key" -oldcert "$work/a.pem"
openssl req -config /dev/null -x509 -key "$work/foreign.key" -out "$work/double.pem" -subj /CN=x \
    -set_serial "0x$(serial_of "$work/a.pem")"
refused signerNotTrusted 'not of a certificate' signed rr "$work/double.pem" "$work/foreign.key" -oldcert "$work/a.pem"
ok 'a signature of a stranger is refused'

# Fees.
desk_exit 0 class set --class joint-general --fee 4400
apply "$hong" paid --class joint-general
refused notAuthorized 'fee is not paid' cmp paid "$work/key.pem"
desk_exit 0 fee pay --reference "$reference"
desk_exit 8 fee pay --reference "$reference"
cmp paid "$work/key.pem" -certout "$work/paid.pem" || fail "$(cat "$work/cmp.out")"
ok 'the fee comes before the certificate'

# Waiting for approval.
apply "$hong" wait --class joint --wait
cmp wait "$work/new.pem" -certout "$work/waited.pem" -total_timeout 60 &
waiting=$!
wait_for 20 'a request that waits' grep -q 'result=waiting' "$work/serve.err"
desk_exit 0 application approve --reference "$reference"
wait "$waiting" || fail "$(cat "$work/cmp.out")"
[ -s "$work/waited.pem" ] || fail "$(cat "$work/cmp.out")"
apply "$hong" denied --class joint --wait
desk_exit 0 application approve --reference "$reference" --deny
refused notAuthorized 'refused by the desk' cmp denied "$work/new.pem"
ok 'a waiting application is polled for until it is approved, or refused'

stop serve
export INGAM_ISSUER_CLOCK_OFFSET=$((340 * day))
desk_serve
apply "$hong" late --kind renew --serial "$(serial_of "$work/waited.pem")" --wait
p256 "$work/late.key"
signed kur "$work/waited.pem" "$work/new.pem" -newkey "$work/late.key" -certout "$work/late.pem" -total_timeout 60 &
waiting=$!
wait_for 20 'a renewal that waits' grep -q 'body=kur .*result=waits' "$work/serve.err"
wait_for 20 'its poll' grep -q 'body=pollReq .*result=waiting' "$work/serve.err"
desk_exit 0 application approve --reference "$reference"
wait "$waiting" || fail "$(cat "$work/cmp.out")"
status_is "$(serial_of "$work/waited.pem")" revoked
status_is "$(serial_of "$work/late.pem")" valid
stop serve
unset INGAM_ISSUER_CLOCK_OFFSET
desk_serve
ok 'a renewal is polled for in the same way, by the signature of the old key'

# Policies.
desk_exit 2 class set --class joint --policy nonsense
desk_exit 8 class set --class nothing --policy 1.2.3.4
desk_exit 0 class set --class joint --policy 1.2.3.4

# Closing and forgetting.
desk_exit 0 customer close --customer "$spring"
status_is "$(serial_of "$work/a.pem")" revoked
desk_exit 8 identity check --customer "$spring" --kind phone
desk_exit 0 customer purge
grep -q 'purged 0 customers' "$work/out" || fail "$(cat "$work/out")"
INGAM_ISSUER_CLOCK_OFFSET=$((2000 * day)) desk_exit 0 customer purge
grep -q 'purged 1 customers' "$work/out" || fail "$(cat "$work/out")"
desk_do customer list --json | jq -e ".customers[] | select(.customer == \"$spring\") | .identity == \"\"" >/dev/null || fail 'purge'
ok 'a closed customer has no certificate, and after five years no number'

# No resident number anywhere.
desk_do customer list >"$work/said"
desk_do log list >>"$work/said"
cat "$work/serve.err" >>"$work/said"
! grep -q '1234568' "$work/said" || fail 'a resident number is shown'
! grep -rq '1234568' "$desk" || fail 'a resident number is in the registry in the clear'
grep -q '900101-1' "$work/said" || fail 'the search finds nothing'
ok 'resident numbers are masked, and encrypted in the registry'

# The log.
desk_exit 0 log verify
head=$(value head)
desk_exit 0 class set --class joint --fee 0
desk_exit 0 log verify --head "$head"
case $head in *0) wrong=${head%0}1 ;; *) wrong=${head%?}0 ;; esac
desk_exit 9 log verify --head "$wrong"
desk_exit 2 log verify --head nonsense
if [ "${1:-}" != postgres ]; then
    ! sqlite3 "$desk/registry.db" "UPDATE log SET detail = 'x' WHERE n = 5" 2>/dev/null || fail 'the log was changed'
    sqlite3 "$desk/registry.db" "DROP TRIGGER log_kept; UPDATE log SET detail = 'x' WHERE n = 5"
    desk_exit 9 log verify
    says 'entry 5'
fi
ok 'the log is whole, and a change is found'
stop serve
stack_done
