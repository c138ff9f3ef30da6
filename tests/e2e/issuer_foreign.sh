#!/bin/sh
# Other institutions' certificates: trusted, checked (CRL and OCSP), matched to the person (name, VID), registered
# once, used as a second factor, ended.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init=--test-profile
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="$desk_init --db $postgres"
fi
desk_serve
checks_set

# The other institution: OpenSSL's own CA, with a CRL in a file.
other="$work/other"
mkdir "$other" "$other/new"
: >"$other/index"
echo 01 >"$other/serial"
echo 01 >"$other/crlnumber"
cat >"$other/conf" <<CONF
[ca]
default_ca = own
[own]
dir = $other
database = $other/index
new_certs_dir = $other/new
serial = $other/serial
crlnumber = $other/crlnumber
certificate = $other/ca.pem
private_key = $other/ca.key
default_md = sha256
default_days = 100
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[plain]
keyUsage = critical,digitalSignature
[seal]
keyUsage = critical,keyEncipherment
[vid]
keyUsage = critical,digitalSignature
subjectAltName = otherName:1.2.410.200004.10.1.1;SEQ:idd
[idd]
realName = FORMAT:UTF8,UTF8:홍길동
userInfo = SEQ:ui
[ui]
a = SEQ:atv
[atv]
type = OID:1.2.410.200004.10.1.1.1
val = SEQ:vidvalue
[vidvalue]
hashAlg = SEQ:ha
virtualID = EXP:0,FORMAT:HEX,OCT:VID
[ha]
oid = OID:sha256
CONF
p256 "$other/ca.key"
openssl req -x509 -new -key "$other/ca.key" -subj '/CN=Other Bank CA' -days 1000 -out "$other/ca.pem" \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>"$work/err"
revocations() {
    openssl ca -config "$other/conf" -gencrl -out "$other/crl.pem" 2>"$work/err"
    openssl crl -in "$other/crl.pem" -outform DER -out "$other/crl.new"
    mv "$other/crl.new" "$other/crl.der"
}
# foreign WHO NAME EXTENSIONS: a key and a certificate of the other institution.
foreign() {
    p256 "$work/$1.key"
    openssl req -new -utf8 -key "$work/$1.key" -subj "/CN=$2" -out "$work/$1.csr"
    openssl ca -batch -utf8 -config "$other/conf" -extensions "$3" -in "$work/$1.csr" -notext -out "$work/$1.pem" 2>"$work/err" ||
        fail "$(cat "$work/err")"
}
revocations
foreign mine '홍길동()0004123456' plain
foreign yours 김철수 plain
foreign sealing 홍길동 seal
# R of the VID; the number is the customer's below. VID = h(h(SEQUENCE { PrintableString, BIT STRING })).
random=79EA7568A2D3776604E18BCD3A1B1B85B7DA0872
content="302613$(printf '%02x' 13)$(printf 9001011234568 | od -An -tx1 | tr -d ' \n')031500$random"
printf '%s\n' "$random" >"$work/random"
vid=$(printf '%s' "$content" | xxd -r -p | openssl dgst -sha256 -binary | openssl dgst -sha256 -r | cut -d' ' -f1)
sed -i "s/OCT:VID/OCT:$vid/" "$other/conf"
foreign vid 홍길동 vid

customer_add 홍길동 individual 900101-1234568
me=$customer
customer_add 김철수 individual 910101-1234566
him=$customer

desk_exit 8 foreign check --certificate-file "$work/mine.pem"
says 'no institution that this desk trusts'
desk_exit 14 institution add --name '다른은행' --certificate-file "$work/mine.pem"
desk_exit 14 institution add --name '우리' --certificate-file "$desk/ca.crt"
desk_exit 2 institution add --name '다른은행' --certificate-file "$other/ca.pem" --crl ftp://nowhere
desk_exit 0 institution add --name '다른은행' --certificate-file "$other/ca.pem" --crl "$other/crl.der"
desk_exit 0 foreign check --certificate-file "$work/mine.pem"
[ "$(value status)" = good ] || fail "$(cat "$work/out")"
desk_exit 14 foreign check --certificate-file "$work/sealing.pem"
says 'not for signatures'
INGAM_ISSUER_CLOCK_OFFSET=$((101 * 86400)) desk_exit 14 foreign check --certificate-file "$work/mine.pem"
says 'has expired'
ok 'the trust list, dates and use of a certificate'

# registers CODE WHO CUSTOMER OPTION...: an application, the signature over its text, the registration.
registers() {
    ending=$1 who=$2 whose=$3
    shift 3
    desk_exit 0 identity check --customer "$whose" --kind phone
    desk_exit 0 application add --customer "$whose" --kind register --agree --code-file "$work/code.$who.$(date +%s%N)"
    reference=$(value reference)
    printf 'ingam register %s' "$reference" >"$work/text"
    openssl dgst -sha256 -sign "$work/${signer:-$who}.key" -out "$work/signature" "$work/text"
    desk_exit "$ending" foreign add --reference "$reference" --certificate-file "$work/$who.pem" \
        --answer-file "$work/signature" "$@"
}
desk_exit 4 application add --customer "$me" --kind register --agree
says 'not proved'
signer=yours registers 9 mine "$me"
says 'does not prove'
registers 4 yours "$me"
says 'branch'
registers 4 vid "$me"
says 'branch'
printf '%040d\n' 0 >"$work/wrong"
registers 4 vid "$me" --random-file "$work/wrong"
registers 0 vid "$me" --random-file "$work/random"
registers 0 mine "$me"
mine=$(value foreign)
registers 0 mine "$me"
[ "$(value foreign)" = "$mine" ] || fail 'registered twice'
registers 14 mine "$him" --verified
says clashes
registers 0 yours "$him"
desk_do foreign list --customer "$me" --json | jq -e '[.certificates[] | select(.state == "registered")] | length == 2' \
    >/dev/null || fail "$(desk_do foreign list --json)"
ok 'possession, name and VID are asked for; registered once, for one person'

# A key that has a certificate of this desk, and one of this desk itself.
apply "$me" own --class joint
p256 "$work/own.key"
cmp own "$work/own.key" -certout "$work/own.pem" || fail "$(cat "$work/cmp.out")"
registers 14 own "$me"
says 'issued the certificate itself'
openssl req -new -utf8 -key "$work/own.key" -subj '/CN=홍길동' -out "$work/twice.csr"
cp "$work/own.key" "$work/twice.key"
openssl ca -batch -utf8 -config "$other/conf" -extensions plain -in "$work/twice.csr" -notext -out "$work/twice.pem" 2>/dev/null
registers 14 twice "$me"
says clashes
ok 'a clash with a certificate of this desk is refused'

# It counts as a second factor, until it is revoked there or ended here.
desk_exit 0 factor add --customer "$me" --kind signature
factor=$(value factor)
by_mine() {
    desk_exit 0 factor challenge --factor "$factor"
    value challenge | tr -d '\n' >"$work/challenge"
    openssl dgst -sha256 -sign "$work/mine.key" -out "$work/answer" "$work/challenge"
    desk_exit "$1" factor verify --factor "$factor" --answer-file "$work/answer" --serial "$mine"
}
by_mine 0
openssl ca -config "$other/conf" -revoke "$work/mine.pem" 2>/dev/null
revocations
desk_exit 14 foreign check --certificate-file "$work/mine.pem"
says 'revoked or suspended'
INGAM_ISSUER_CLOCK_OFFSET=700 by_mine 4
mv "$other/crl.der" "$other/away"
desk_exit 10 foreign check --certificate-file "$work/yours.pem"
says 'does not say whether'
mv "$other/away" "$other/crl.der"
INGAM_ISSUER_CLOCK_OFFSET=$((31 * 86400)) desk_exit 10 foreign check --certificate-file "$work/yours.pem"
desk_exit 0 identity check --customer "$me" --kind phone
desk_exit 0 application add --customer "$me" --kind unregister --agree
reference=$(value reference)
desk_exit 0 foreign drop --reference "$reference" --foreign "$mine"
desk_exit 8 foreign drop --reference "$reference" --foreign "$mine"
ok 'a second factor while its institution says that it is good'

# OCSP: another desk is the institution.
"$issuer" init --dir "$work/there" --name '세번째은행' >"$work/out"
start there "$issuer" serve --dir "$work/there" --listen 127.0.0.1:0
there=${there_ready#ready http://}
there=${there%/cmp}
desk_exit 0 institution add --name '세번째은행' --certificate-file "$work/there/ca.crt" --ocsp "http://$there/ocsp"
third=$(value institution)
here=$desk
desk="$work/there"
authorize 홍길동
desk=$here
p256 "$work/third.key"
(server=$there && cmp 홍길동 "$work/third.key" -certout "$work/third.pem") || fail "$(cat "$work/cmp.out")"
desk_exit 0 foreign check --certificate-file "$work/third.pem"
[ "$(value status)" = good ] || fail "$(cat "$work/out")"
registers 0 third "$me"
third_id=$(value foreign)
"$issuer" certificate suspend --dir "$work/there" --serial "$(serial_of "$work/third.pem")"
desk_exit 14 foreign check --certificate-file "$work/third.pem"
"$issuer" certificate resume --dir "$work/there" --serial "$(serial_of "$work/third.pem")"
stop there
desk_exit 10 foreign check --certificate-file "$work/third.pem"
desk_exit 0 institution withdraw --institution "$third"
desk_exit 8 foreign check --certificate-file "$work/third.pem"
mine=$third_id
cp "$work/third.key" "$work/mine.key"
by_mine 4
desk_exit 8 institution withdraw --institution "$third"
desk_exit 0 log verify
ok 'OCSP is asked, bounded in time; a withdrawn institution counts no more'
stop serve
stack_done
