#!/bin/sh
# The certificate centre's JSON API, the members' page, other institutions' certificates, mobile OTPs, accounts; slow
# clients and too many requests.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
. "$SOURCE/tests/e2e/issuer_pages_lib.sh"

pages_serve
checks_set
number=9001011234567
customer_add 홍길동 individual "$number"
me=$customer

# call STATUS METHOD PATH [JSON]: a request of the session in $session; its answer in $work/body.
call() {
    got=$(curl -s -m 20 --cacert "$work/tls.crt" -o "$work/body" -w '%{http_code}' -X "$2" -H 'Accept-Language: ko' \
        -H 'Content-Type: application/json' -H "Authorization: Bearer ${session:-none}" ${4:+--data "$4"} "$pages/api/1/$3") ||
        fail "no answer: $*"
    [ "$got" = "$1" ] || fail "$2 $3 $4: status $got, not $1: $(cat "$work/body")"
}
# begin FLOW: a session with it.
begin() {
    call 201 POST sessions "{\"flow\":\"$1\"}"
    session=$(jq -r .session "$work/body")
}
# answer STATUS WANTED NAME VALUE...: answers the step at hand; the next step's name, or the error's code, is WANTED.
answer() {
    answer_status=$1 answer_wanted=$2
    shift 2
    jq -n --arg step "$step" '{step: $step, values: ($ARGS.positional | [_nwise(2)] | map({(.[0]): .[1]}) | add)}' \
        --args -- "$@" >"$work/request"
    call "$answer_status" POST step "@$work/request"
    got=$(jq -r '.step.name // .error.code' "$work/body")
    [ "$got" = "$answer_wanted" ] || fail "$got, not $answer_wanted: $(cat "$work/body")"
    [ "$answer_status" != 200 ] || step=$got
    ! jq -e '.session' "$work/body" >/dev/null || session=$(jq -r .session "$work/body")
}
# checking NEXT: waits for the identity check.
checking() {
    answer 200 checking check phone
    wait_for 30 'the check' is_past "$1"
    step=$1
}
# shellcheck disable=SC2317 # called by wait_for
is_past() {
    call 200 GET step
    [ "$(jq -r .step.name "$work/body")" = "$1" ]
}
told() {
    jq -r ".step.facts[] | select(.name == \"$1\") | .value" "$work/body"
}
# apply_for CLASS KIND: an application by the API, to its end; the code goes to $work/code.WHO.
apply_for() {
    begin apply
    step=terms
    answer 200 identity agree-service yes agree-privacy yes agree-identity yes
    answer 200 check customer "$customer" number "$number"
    checking kind
    answer 200 factor class "$1" kind "$2"
    answer 200 answer factor "$(cat "$work/factor.$customer")"
    answer 200 fee answer "$(otp "$customer")"
    answer 200 details confirm yes
    answer 200 'done' confirm yes
    reference=$(told reference)
    told code >"$work/code.$3"
}

begin apply
jq -e '.schema == 1 and .flow == "apply" and .step.name == "terms" and (.step.fields | length == 3 and all(.required))' \
    "$work/body" >/dev/null || fail "$(cat "$work/body")"
jq -e '.step.title == "약관 동의"' "$work/body" >/dev/null || fail 'not in Korean'
step=terms
answer 422 terms-not-agreed agree-service yes
jq -e '.schema == 1 and .error.field == "agree-privacy" and (.error.todo | length > 0)' "$work/body" >/dev/null ||
    fail "$(cat "$work/body")"
step=fee
answer 409 step-mismatch confirm yes
for wrong in '' '[]' '{' '{"step":1}' '{"step":"terms","step":"terms"}' '{"values":{"a":{}}}' '{"a":"\u0000"}' '{"A":"x"}' \
    '{"step":"x","values":{"step":"y"}}'; do
    call 400 POST step "$wrong"
done
call 404 GET nothing
call 405 PUT step
call 413 POST step "$(head -c 17000 /dev/zero | tr '\0' ' ')"
kept=$session
session=$(printf '%064d' 0)
call 401 GET step
session=$kept
call 401 GET certificates
call 204 DELETE session
call 401 GET step
ok 'the API refuses what is wrong, each with its code'

apply_for financial issue a
jq -e '.step.end == true and .step.fields == []' "$work/body" >/dev/null || fail "$(cat "$work/body")"
call 200 GET step
[ "$(told code)" = "$(cat "$work/code.a")" ] || fail 'an answer that was lost cannot be fetched again'
[ "$(told issuer)" = "$url" ] || fail 'another issuer'
p256 "$work/a.pem"
cmp a "$work/a.pem" -certout "$work/a.crt" || fail "$(cat "$work/cmp.out")"
grep -q "api=step flow=apply step=done customer=$me reference=$reference" "$work/serve.err" || fail 'not in the log'
ok 'a program applies, and the certificate comes'

# member STATUS CERTIFICATE KEY: who comes with it to the members' page.
member() {
    got=$(curl -s -m 20 --cacert "$work/tls.crt" --cert "$2" --key "$3" -o "$work/body" -w '%{http_code}' "$members/") ||
        fail "no answer for $2"
    [ "$got" = "$1" ] || fail "$2: status $got, not $1: $(cat "$work/body")"
}
member 200 "$work/a.crt" "$work/a.pem"
shows '홍길동'
p256 "$work/self.pem"
openssl req -x509 -key "$work/self.pem" -subj /CN=홍길동 -utf8 -days 2 -out "$work/self.crt"
member 403 "$work/self.crt" "$work/self.pem"
# The CA's name and an issued serial number do not make it one that was issued.
openssl x509 -in "$work/a.crt" -noout -serial >/dev/null
openssl req -x509 -key "$work/self.pem" -subj /CN=홍길동 -utf8 -days 2 -out "$work/forged.crt" \
    -set_serial "0x$(serial_of "$work/a.crt")"
member 403 "$work/forged.crt" "$work/self.pem"
got=$(curl -s -m 20 --cacert "$work/tls.crt" -o "$work/body" -w '%{http_code}' "$members/") || fail 'no page without certificate'
[ "$got" = 403 ] || fail "without certificate: $got"
! curl -s -m 20 --cacert "$work/tls.crt" --cert "$work/a.crt" --key "$work/self.pem" "$members/" 2>/dev/null ||
    fail 'a certificate without its key'
serial=$(serial_of "$work/a.crt")
desk_exit 0 certificate suspend --serial "$serial"
member 403 "$work/a.crt" "$work/a.pem"
desk_exit 0 certificate resume --serial "$serial"
member 200 "$work/a.crt" "$work/a.pem"
for result in none unknown-certificate no-client-certificate certificate-not-valid; do
    grep -q "members serial=.*result=$result" "$work/serve.err" || fail "the log knows no $result"
done
ok "only a certificate of the registry's, as it stands, opens the members' page"

# Another institution: another desk.
"$issuer" init --dir "$work/there" --name '다른은행' >"$work/out"
start there "$issuer" serve --dir "$work/there" --listen 127.0.0.1:0
there=${there_ready#ready http://}
desk_exit 0 institution add --name '다른은행' --certificate-file "$work/there/ca.crt" --ocsp "http://${there%/cmp}/ocsp"
here=$desk
desk="$work/there"
authorize 홍길동
desk=$here
p256 "$work/other.pem"
(server=${there%/cmp} && cmp 홍길동 "$work/other.pem" -certout "$work/other.crt") || fail "$(cat "$work/cmp.out")"

# A login by the API, then another flow in its session.
begin login
step=identity
answer 200 factor customer "$me" number "$number"
answer 200 answer factor "$(cat "$work/factor.$me")"
before=$session
answer 200 in answer "$(otp "$me")"
[ "$session" != "$before" ] || fail 'a login keeps the old session'
call 200 GET certificates
jq -e ".certificates[0].serial == \"$serial\" and .certificates[0].status == \"valid\"" "$work/body" >/dev/null ||
    fail "$(cat "$work/body")"
call 200 POST flow '{"flow":"register"}'
step=certificate
answer 422 field-wrong certificate nothing
answer 422 certificate-refused certificate "$(cat "$work/self.crt")"
answer 200 possession certificate "$(cat "$work/other.crt")"
told text | tr -d '\n' >"$work/text"
openssl dgst -sha256 -sign "$work/self.pem" "$work/text" | openssl base64 >"$work/signature"
answer 422 signature-wrong signature "$(cat "$work/signature")"
openssl dgst -sha256 -sign "$work/other.pem" "$work/text" | openssl base64 >"$work/signature"
answer 200 check signature "$(cat "$work/signature")"
member 403 "$work/other.crt" "$work/other.pem"
checking registration
answer 422 not-confirmed x y
answer 200 registered confirm yes
member 200 "$work/other.crt" "$work/other.pem"
shows '홍길동'
call 200 POST flow '{"flow":"unregister"}'
foreign=$(jq -r '.step.fields[0].choices[0].value' "$work/body")
step=which
answer 200 check foreign "$foreign"
checking end
answer 200 ended confirm yes
member 403 "$work/other.crt" "$work/other.pem"
call 409 POST flow '{"flow":"unregister"}'
ok "another institution's certificate: registered after possession and identity, opens the members' page, and ends"

# Who has no medium gets a mobile OTP, and with it a certificate of a class that asks for the account's password.
printf '%s\n' 8501011234567 >"$work/number"
desk_exit 0 customer add --name 성춘향 --kind individual --identity-file "$work/number" --phone 010-1234-5678
customer=$(value customer)
number=8501011234567
printf '%s\n' 123-456-789012 >"$work/account"
desk_exit 0 account add --customer "$customer" --number-file "$work/account"
account=$(value account)
echo 5907 >"$work/password"
desk_exit 0 factor add --customer "$customer" --kind account --account "$account" --secret-file "$work/password"
cat >"$work/message" <<MESSAGE
#!/bin/sh
jq -r .code >>"$work/sent"
echo '{"result":"passed"}'
MESSAGE
chmod 700 "$work/message"
desk_exit 0 identity program --kind message --program "$work/message"
desk_exit 0 factor add --customer "$customer" --kind phone-code
begin mobile-otp
step=identity
answer 200 check customer "$customer" number "$number"
code_factor=$(jq -r '.step.fields[0].choices[] | select(.value | startswith("F")) | .value' "$work/body")
answer 200 code check "$code_factor"
answer 422 factor-wrong answer "$(printf '%02d' $(((1$(cat "$work/sent") + 1) % 100)))"
call 200 GET step
answer 200 account answer "$(tail -n 1 "$work/sent")"
answer 422 account-wrong account 999-999-999999 answer 5907
answer 422 factor-wrong account 123-456-789012 answer 5906
answer 200 enrol account 123-456-789012 answer 5907
answer 200 otp confirm yes
secret=$(told uri | sed 's/.*secret=\([A-Z2-7=]*\)&.*/\1/')
desk_exit 0 class set --class joint --needs 'identity account factor'
begin apply
step=terms
answer 200 identity agree-service yes agree-privacy yes agree-identity yes
answer 200 check customer "$customer" number "$number"
checking kind
answer 200 factor class joint kind issue
answer 200 answer factor "$(jq -r '.step.fields[0].choices[0].value' "$work/body")"
answer 200 account answer "$(oathtool --totp -b "$secret")"
answer 200 fee account 123456789012 answer 5907
answer 200 details confirm yes
answer 200 'done' confirm yes
ok 'a code by text message, a mobile OTP, an account and its password'

# Slow clients: a thousand that say nothing, half a greeting, or a request a byte at a time; the pages still answer.
cat >"$work/slow.py" <<'SLOW'
import resource
import socket
import ssl
import sys
import time
port = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (1100, max(1100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
context = ssl.create_default_context(cafile=sys.argv[2])
idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(1000)]
for one in idle[::2]:
    one.send(b"\x16\x03\x01\x02\x00\x01")
slow = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
slow.send(b"POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n")
print("ready", flush=True)
began = time.monotonic()
try:
    while time.monotonic() - began < 60:
        slow.send(b"a")
        time.sleep(0.5)
except OSError:
    pass
print("ended" if time.monotonic() - began < 45 else "goes on", flush=True)
SLOW
start slow python3 "$work/slow.py" "${pages##*:}" "$work/tls.crt"
session=
call 201 POST sessions '{"flow":"apply"}'
ok 'a thousand idle connections do not stop the pages'

flood() {
    curl -s -m 60 --cacert "$work/tls.crt" -o /dev/null -w '%{http_code}\n' "$pages/find-id?[1-130]" >"$work/statuses"
}
flood
grep -q '^200' "$work/statuses" || fail 'the first ones were refused'
[ "$(tail -n 1 "$work/statuses")" = 429 ] || fail 'nobody was refused'
ok 'too many sessions of one address are refused'
# After 30 seconds; a line is waited for 30 seconds at a time.
[ "$(next_line slow || next_line slow)" = ended ] || fail 'a request may come for ever'
ok 'a request that comes a byte at a time is ended'
! grep -qE '5907|'"$secret"'|8501011234567' "$work/serve.err" || fail 'the log has a secret'
stack_done
