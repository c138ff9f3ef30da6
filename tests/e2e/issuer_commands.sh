#!/bin/sh
# init, authorize and list: what they write, what they refuse, and with which exit code.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"

says() {
    grep -q -- "$1" "$work/err" || fail "does not say '$1': $(cat "$work/err")"
}

expect_exit 2 "$issuer"
expect_exit 2 "$issuer" frobnicate
says frobnicate
expect_exit 2 "$issuer" init --dir "$desk"
says '--name NAME'
expect_exit 2 "$issuer" init --dir "$desk" --name x --listen y
expect_exit 2 "$issuer" init --dir "$desk" --name x --key dsa
says rsa3072
if [ -e "$desk" ] || [ -e "$desk.part" ]; then
    fail 'a refused init left something'
fi
expect_exit 0 "$issuer" --help
expect_exit 0 "$issuer" serve --help
ok 'usage errors end with 2'

expect_exit 8 "$issuer" serve --dir "$desk"
says 'ingam-issuer init'
expect_exit 8 "$issuer" authorize --dir "$desk" --name x
ok 'no desk: 8, and how to make one'

mkdir "$work/full"
touch "$work/full/file"
expect_exit 1 "$issuer" init --dir "$work/full" --name x
[ -e "$work/full/file" ] || fail 'a file is gone'
ok 'a directory with other things in it is left alone'

# What a killed init leaves is taken away by the next one.
mkdir -m 700 "$desk.part"
echo half >"$desk.part/ca.key"
printf 'a passphrase\n' >"$work/pass"
expect_exit 0 "$issuer" init --dir "$desk/" --name '시험' --key rsa3072 --policy 1.2.3.4 --passphrase-file "$work/pass"
[ ! -e "$desk.part" ] || fail 'the half is still there'
[ "$(stat -c %a "$desk")" = 700 ] || fail 'mode of the desk'
for file in "$desk"/*.key "$desk"/registry.db; do
    [ "$(stat -c %a "$file")" = 600 ] || fail "mode of $file"
done
for file in "$desk"/*.key; do
    grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$file" || fail "$file is not encrypted"
done
openssl x509 -in "$desk/ca.crt" -noout -ext basicConstraints,keyUsage >"$work/ext"
grep -q 'CA:TRUE, pathlen:0' "$work/ext" || fail 'no CA'
grep -q 'Certificate Sign, CRL Sign' "$work/ext" || fail 'key usage of the CA'
openssl verify -x509_strict -CAfile "$desk/ca.crt" "$desk/ca.crt" "$desk/cmp.crt" >/dev/null || fail 'cmp.crt'
ok 'init finishes what a killed init began'
sums=$(cat "$desk"/*.key "$desk"/*.crt | sha256sum)
expect_exit 1 "$issuer" init --dir "$desk" --name other
says 'already'
[ "$sums" = "$(cat "$desk"/*.key "$desk"/*.crt | sha256sum)" ] || fail 'init changed a desk'
ok 'init does not touch a desk that is there'

# Killed at any point, init leaves nothing or a whole desk, and the next one ends well.
round=0
while [ "$round" -lt 30 ]; do
    round=$((round + 1))
    timeout --foreground -s KILL "0.$(printf '%03d' "$round")" "$issuer" init --dir "$work/killed" --name x >/dev/null 2>&1 || true
    if [ -e "$work/killed" ]; then
        expect_exit 0 "$issuer" list --dir "$work/killed"
    else
        expect_exit 0 "$issuer" init --dir "$work/killed" --name x
        expect_exit 0 "$issuer" list --dir "$work/killed"
    fi
    rm -rf "$work/killed" "$work/killed.part"
done
ok 'a killed init leaves nothing or a whole desk'

expect_exit 4 "$issuer" list --dir "$desk"
says '--passphrase-file'
printf 'wrong\n' >"$work/wrong"
expect_exit 4 "$issuer" list --dir "$desk" --passphrase-file "$work/wrong"
expect_exit 8 "$issuer" list --dir "$desk" --passphrase-file "$work/missing"
: >"$work/empty"
expect_exit 4 "$issuer" list --dir "$desk" --passphrase-file "$work/empty"
expect_exit 0 "$issuer" list --dir "$desk" --passphrase-file "$work/pass"
ok 'encrypted keys need their passphrase'
chmod 644 "$desk/ca.key"
expect_exit 11 "$issuer" list --dir "$desk" --passphrase-file "$work/pass"
chmod 600 "$desk/ca.key"
ok 'a key that others may read is refused'

auth() {
    expect_exit "$1" "$issuer" authorize --dir "$desk" --passphrase-file "$work/pass" --name "$2" --subject "$3"
}
auth 0 홍길동 '/C=KR/O=인감/CN=홍길동'
grep -qE '^reference [0-9]{12}$' "$work/out" || fail "$(cat "$work/out")"
grep -qE '^code ([A-Z2-9]{5}-){3}[A-Z2-9]{5}$' "$work/out" || fail "$(cat "$work/out")"
grep -qE '^expires 20[0-9-]{8}T[0-9:]{8}Z$' "$work/out" || fail "$(cat "$work/out")"
ok 'authorize prints reference, code and expiry'
auth 2 홍길동 'CN=홍길동'
auth 2 홍길동 '/C=KR/XYZ=1'
says XYZ
auth 2 홍길동 '/C=KOREA/CN=x'
auth 2 홍길동 "/CN=$(printf '\355\240\200')"
says 'UTF-8'
auth 2 "$(printf 'a\377')" '/CN=x'
auth 2 "$(printf 'a\nb')" '/CN=x'
auth 2 '' '/CN=x'
auth 2 홍길동 "/CN=$(printf '%065d' 0)"
expect_exit 2 "$issuer" authorize --dir "$desk" --passphrase-file "$work/pass" --name x --days 0
expect_exit 2 "$issuer" authorize --dir "$desk" --passphrase-file "$work/pass" --name x --days 1x
rows=$("$issuer" list --dir "$desk" --passphrase-file "$work/pass" | wc -l)
[ "$rows" -eq 1 ] || fail "$rows rows: a refused person was written down"
ok 'bad names and bad numbers are refused with 2'

expect_exit 0 "$issuer" authorize --dir "$desk" --passphrase-file "$work/pass" --name 성춘향 --json --code-file "$work/code"
jq -e '.schema == 1 and .name == "성춘향" and (.reference | length) == 12 and (has("code") | not)' "$work/out" >/dev/null ||
    fail "$(cat "$work/out")"
[ "$(stat -c %a "$work/code")" = 600 ] || fail 'mode of the code file'
code=$(cat "$work/code")
expect_exit 1 "$issuer" authorize --dir "$desk" --passphrase-file "$work/pass" --name x --code-file "$work/code"
[ "$code" = "$(cat "$work/code")" ] || fail 'a code file was overwritten'
ok 'a code file is private, and is never overwritten'

expect_exit 2 "$issuer" serve --dir "$desk" --passphrase-file "$work/pass" --listen nowhere:1
expect_exit 2 "$issuer" serve --dir "$desk" --passphrase-file "$work/pass" --listen 127.0.0.1
start serve "$issuer" serve --dir "$desk" --passphrase-file "$work/pass" --listen '[::1]:0'
taken=${serve_ready#ready http://}
expect_exit 10 "$issuer" serve --dir "$desk" --passphrase-file "$work/pass" --listen "${taken%/cmp}"
stop serve
ok 'an address in use ends with 10'

expect_exit 2 env LANGUAGE=ko "$issuer" authorize --dir "$desk" --name x --bad
says '옵션은 없습니다'
ok 'it speaks Korean'

printf 'broken' >"$desk/registry.db"
rm -f "$desk"/registry.db-*
expect_exit 1 "$issuer" list --dir "$desk" --passphrase-file "$work/pass"
ok 'a damaged registry is said to be one'
stack_done
