#!/bin/sh
# The certificate centre's pages: applying step by step, every rule broken once; sessions, forms, headers, limits.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
. "$SOURCE/tests/e2e/issuer_pages_lib.sh"

desk_init=--test-profile
pages_serve
checks_set
number=9001011234567
customer_add 홍길동 individual "$number"
kept="$work/kept"
mkdir "$kept"
# keep NAME: the page at hand is looked at at the end.
keep() {
    cp "$work/body" "$kept/$1.html"
}

visit 200 /
keep home
header() {
    grep -qi "^$1: $2" "$work/head" || fail "no header $1: $2 in $(cat "$work/head")"
}
header content-security-policy "default-src 'none'.*frame-ancestors 'none'"
header x-frame-options DENY
header x-content-type-options nosniff
header referrer-policy no-referrer
header strict-transport-security max-age=
header cache-control no-store
header content-language ko
! grep -qi '^set-cookie' "$work/head" || fail 'the first page begins a session'
visit 200 /style.css
header content-type text/css
header cache-control max-age=
ok 'security headers, and no session before it is needed'

visit 200 '/?lang=en'
shows 'lang="en"'
visit 200 / -H 'Accept-Language: ko'
shows 'Your certificate lives on a token'
rm "$work/jar"
visit 200 / -H 'Accept-Language: fr;q=0.9, en-GB;q=0.5, ko;q=0.4'
shows 'lang="en"'
visit 200 / -H 'Accept-Language: de'
shows 'lang="ko"'
ok 'Korean and English, by the browser or by choice'
for i in $(seq 40); do
    printf 'url = "%s/?lang=ko"\noutput = "%s/at-once.ko.%d"\nurl = "%s/?lang=en"\noutput = "%s/at-once.en.%d"\n' "$pages" "$work" "$i" \
        "$pages" "$work" "$i"
done >"$work/urls"
curl -s -m 60 --cacert "$work/tls.crt" -Z --parallel-immediate --parallel-max 16 -K "$work/urls"
[ "$(cat "$work"/at-once.ko.* | grep -c '인증서는 고객님만 가지고 있는')" -eq 40 ] || fail 'a Korean page in English'
[ "$(cat "$work"/at-once.en.* | grep -c 'Your certificate lives on a token')" -eq 40 ] || fail 'an English page in Korean'
ok 'both at once, each visitor in the own language'

visit 200 /apply
header set-cookie '__Host-ingam=[0-9a-f]\{64\}; Path=/; HttpOnly; SameSite=Strict; Secure'
keep terms
fill 422 /apply agree-service=yes agree-privacy=yes
shows '동의하지 않은 약관이 있습니다'
shows 'href="#agree-identity"'
keep terms-refused
next /apply identity agree-service=yes agree-privacy=yes agree-identity=yes
keep identity
fill 422 /apply "customer=$customer"
shows 'href="#number"'
fill 422 /apply "customer=$customer" number=9001011234568
shows '일치하는 고객이 없습니다'
! grep -q 9001011234568 "$work/body" || fail 'a number is shown again'
fill 422 /apply customer=C000000000000 "number=$number"
shows '일치하는 고객이 없습니다'
next /apply check "customer=$customer" number=900101-1234567
keep check
fill 422 /apply check=email
fill 303 /apply check=phone
checked /apply kind
keep kind
fill 422 /apply class=platinum kind=issue
fill 409 /apply class=financial kind=reissue
shows '재발급할 이 종류의 인증서가 없습니다'
next /apply factor class=financial kind=issue
keep factor
fill 422 /apply factor=F000000000000
next /apply answer "factor=$factor"
keep answer
fill 422 /apply answer=000000
shows '남은 횟수: 4번'
next /apply fee "answer=$(otp "$customer")"
fill 422 /apply
next /apply details confirm=yes
shows '900101-1******'
keep details
fill 422 /apply
fill 303 /apply confirm=yes
visit 200 /apply
keep 'done'
reference=$(fact reference) code=$(fact code)
[ -n "$reference$code" ] || fail 'no reference number, no code'
visit 200 /apply
! grep -qF "$code" "$work/body" || fail 'the code is shown twice'
ok 'each step of an application refuses what is wrong, and the code is shown once'

printf '%s\n' "$code" >"$work/code.a"
p256 "$work/a.pem"
cmp a "$work/a.pem" -certout "$work/a.crt" || fail "$(cat "$work/cmp.out")"
status_is "$(serial_of "$work/a.crt")" valid
ok 'reference number and code bring the certificate'

apply_until kind "$customer" "$number"
fill 409 /apply class=financial kind=issue
shows '전 은행을 통틀어 한 사람이 하나만'
keep one-only
ok 'one financial certificate a person'

rm "$work/jar"
customer_add 법인 corporation 1234567891
apply_until kind "$customer" 1234567891
! grep -q 'value="financial"' "$work/body" || fail 'a corporation is offered a financial certificate'
fill 422 /apply class=financial kind=issue
ok 'a financial certificate is for individuals only'
next /apply factor class=joint-general kind=issue
next /apply answer "factor=$factor"
next /apply fee "answer=$(otp "$customer")"
shows '4,400원'
next /apply details confirm=yes
fill 303 /apply confirm=yes
visit 200 /apply
reference=$(fact reference)
fact code >"$work/code.b"
p256 "$work/b.pem"
refused notAuthorized 'fee' cmp b "$work/b.pem"
desk_exit 0 fee pay --reference "$reference"
cmp b "$work/b.pem" -certout "$work/b.crt" || fail "$(cat "$work/cmp.out")"
ok 'nothing is issued before its fee is paid'

customer_add liar individual 8001011234567
apply_until check "$customer" 8001011234567
fill 303 /apply check=phone
# says_at STATUS PATH TEXT: the page has this status now, and the text.
# shellcheck disable=SC2317 # called by wait_for
says_at() {
    glance "$2"
    [ "$got" = "$1" ] && grep -qF "$3" "$work/body"
}
wait_for 30 'the refusal' says_at 422 /apply '본인확인에 실패했습니다'
[ "$(hidden step)" = check ] || fail 'a failed check does not lead back'
keep check-failed
rm "$work/jar"
printf '%s\n' 7001011234567 >"$work/number"
desk_exit 0 customer add --name 무매체 --kind individual --identity-file "$work/number" --phone 010-0000-0000
customer=$(value customer)
apply_until kind "$customer" 7001011234567
fill 303 /apply class=joint kind=issue
visit 422 /apply
shows '모바일 OTP를 먼저'
keep factor-none
ok 'who is not confirmed, or has no security medium, goes no further'

customer=$(desk_do customer list --json | jq -r '.customers[] | select(.name == "홍길동") | .customer')
apply_until answer "$customer" "$number" joint issue
for i in 1 2 3 4; do
    fill 422 /apply "answer=00000$i"
done
fill 423 /apply answer=000005
keep factor-locked
desk_exit 0 factor unlock --factor "$(cat "$work/factor.$customer")"
ok 'a security medium is locked after five wrong answers'

# Ten minutes and more later, since nobody is called too often.
cp "$work/serve.err" "$work/before.err"
stop serve
export INGAM_ISSUER_CLOCK_OFFSET=700
pages_serve
glance /apply
[ -z "$(fact reference)" ] || fail 'a session outlives the desk'
rm "$work/jar"
visit 200 /find-id
next /find-id check name=홍길동 "number=$number"
fill 303 /find-id check=sms
wait_for 30 'the ID' says_at 200 /find-id "$customer"
ok 'a forgotten ID is told to its owner'

log_in "$customer" "$number"
visit 200 /my
shows '금융인증서'
keep my
serial=$(serial_of "$work/a.crt")
visit 303 '/change?begin=1'
visit 200 /change
keep change
fill 409 /change "serial=$serial" kind=resume
fill 422 /change serial=00 kind=revoke
# change_until_done SERIAL KIND [REASON]
change_until_done() {
    visit 303 '/change?begin=1'
    visit 200 /change
    next /change check "serial=$1" "kind=$2" ${3:+"reason=$3"}
    fill 303 /change check=phone
    checked /change factor
    next /change answer "factor=$(cat "$work/factor.$customer")"
    next /change confirm "answer=$(otp "$customer")"
    fill 422 /change
    fill 303 /change confirm=yes
    visit 200 /change
    shows '처리되었습니다'
}
change_until_done "$serial" suspend
status_is "$serial" suspended
change_until_done "$serial" resume
status_is "$serial" valid
change_until_done "$serial" revoke keyCompromise
status_is "$serial" revoked
visit 200 /my
shows '폐기됨'
ok 'a customer suspends, resumes and revokes a certificate after proving anew who it is'

old=$(session_id)
visit 200 /my
visit 403 /logout --data csrf=
visit 200 /my
printf 'csrf=%s' "$(hidden csrf)" >"$work/post"
visit 303 /logout --data "@$work/post"
visit 303 /my
rm "$work/jar"
visit 303 /my -b "__Host-ingam=$old"
ok 'after logging out the session opens nothing'

log_in_here "$customer" "$number"
after=$(session_id)
[ "$before" != "$after" ] || fail 'a login keeps the old id'
mv "$work/jar" "$work/mine"
visit 303 /my -b "__Host-ingam=$before"
visit 200 /my -b "__Host-ingam=$after"
mv "$work/mine" "$work/jar"
visit 200 /my
visit 303 /apply?begin=1
visit 200 /apply
visit 303 /my
ok 'a login has a new session id, and applying logs out'

rm "$work/jar"
visit 200 /apply
for wrong in '' "$(printf '%064d' 0)" "$(hidden csrf)x"; do
    visit 403 /apply --data-urlencode "csrf=$wrong" --data step=terms
done
token=$(hidden csrf)
visit 200 /apply
token=$(hidden csrf)
visit 403 /apply --data-urlencode "csrf=$token" --data step=terms -H 'Sec-Fetch-Site: cross-site'
rm "$work/jar"
visit 401 /apply --data-urlencode "csrf=$token" --data step=terms
visit 200 /apply
visit 403 /apply --data-urlencode "csrf=$token" --data step=terms
visit 409 /apply --data-urlencode "csrf=$(visit 200 /apply && hidden csrf)" --data step=details
visit 405 /apply -X PUT
visit 404 /etc/passwd
visit 415 /apply -H 'Content-Type: text/plain' --data x=y
for body in 'a=1&a=2' 'a=%00' 'a=%ff' 'a=%zz' 'a=%1' 'a' '=1' 'a=1&' 'A=1' 'a=%01' 'a=%ed%a0%80'; do
    visit 400 /apply --data "$body"
done
head -c 17000 /dev/zero | tr '\0' a >"$work/long"
visit 413 /apply --data-binary "@$work/long"
visit 413 /apply --data-binary "@$work/long" -H 'Transfer-Encoding: chunked' -H 'Content-Type: application/x-www-form-urlencoded'
ok 'forms of others, of other steps and malformed ones are refused'

for i in 1 2 3 4 5; do
    rm "$work/jar"
    visit 200 /login
    fill 422 /login "customer=$customer" number=9912311234567
done
fill 429 /login "customer=$customer" "number=$number"
shows '잠시 이용이 제한됩니다'
ok 'five wrong numbers close an account for a while, also for the right one'

python3 "$SOURCE/tests/e2e/issuer_pages_html.py" "$kept"/*.html || fail 'pages that a screen reader cannot use'
ok "$(find "$kept" -name '*.html' | wc -l) pages are good HTML, their fields labelled, their errors tied to them"

expect_exit 2 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pages-listen 0.0.0.0:0
says 'loopback'
expect_exit 2 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pages-listen 127.0.0.1:0 --members-listen 127.0.0.1:0
expect_exit 2 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pages-listen 127.0.0.1:0 --tls-cert "$work/tls.crt"
expect_exit 1 "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pages-listen 127.0.0.1:0 --tls-cert "$work/tls.crt" \
    --tls-key "$work/a.pem"
ok 'no page goes out without TLS but to this machine'

# A year later: the corporation's certificate, of one year, in its last 30 days and after its end.
corporation=$(desk_do customer list --json | jq -r '.customers[] | select(.name == "법인") | .customer')
# renewal DAYS TEXT: what the page says about it then.
renewal() {
    cat "$work/serve.err" >>"$work/before.err"
    stop serve
    export INGAM_ISSUER_CLOCK_OFFSET=$(($1 * 86400))
    pages_serve
    log_in "$corporation" 1234567891
    visit 200 /my
    shows "$2"
}
renewal 334 '부터 가능'
renewal 336 'ingam renew --issuer http'
renewal 366 '만료되어 갱신할 수 없습니다'
ok 'the page says when and how to renew, and when it is too late'

for secret in "$number" 7001011234567 "$code" "$(cat "$work/code.b")" "$after"; do
    ! grep -qF "$secret" "$work/before.err" "$work/serve.err" || fail "the log has a secret: $secret"
done
grep -q "step=done customer=$customer reference=[0-9]* result=none" "$work/before.err" || fail 'the log does not say who applied'
ok 'the log says who did what, and no secret'
stack_done
