#!/bin/sh
# ingam npki list, show, check and export on the sample files; what is exported is judged by OpenSSL.
# shellcheck disable=SC2317 # the command is called through expect_exit
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/tool_lib.sh"
. "$SOURCE/tests/e2e/npki_lib.sh"

npki() {
    "$ingam" npki "$@"
}

npki_tree "$HOME"
expect_exit 0 npki list
grep -q "^홍길동()0004049202611220000000001	yessign	personal, banks, insurers, cards and civil affairs	2027-" "$work/out" ||
    fail "the list: $(cat "$work/out")"
expect_exit 0 npki list --json
[ "$(jq -r '.schema, (.certificates[] | .kind, .policy_oid, .path)' "$work/out" | tr '\n' ' ')" = \
    "1 folder 1.2.410.200005.1.1.4 $tree " ] || fail "the list in JSON: $(cat "$work/out")"
mkdir "$work/stick"
expect_exit 8 npki list "$work/stick"
npki_tree "$work/stick"
cp "$samples/sign.pfx" "$tree/copy.pfx"
expect_exit 0 npki list "$work/stick"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail 'the PFX beside the pair is not listed'
ok 'list: the home folder, a stick, a PFX beside the pair; JSON'

expect_exit 0 npki show "$tree"
grep -q '^encryption, rounds: seedCBCWithSHA1, 2048$' "$work/out" || fail "show: $(cat "$work/out")"
ok 'show tells subject, policy and encryption without the password'

# The sample is valid until November 2027.
whole=0
openssl x509 -in "$work/certificate.pem" -noout -checkend 0 >/dev/null || whole=9
for file in "$tree" "$tree/signPri.key" "$samples/sign.pfx"; do
    expect_exit $whole npki check "$file" --password-file "$work/password" --idn-file "$work/number"
    grep -q '^identity number (VID): fits$' "$work/out" || fail "check $file: $(cat "$work/out")"
done
for scheme in oldfixediv pbes2-seed-sha1 pbes2-seed-sha256 pbes2-aria128-sha256; do
    expect_exit $whole npki check "$samples/signPri-$scheme.key" --cert "$work/certificate.pem" \
        --password-file "$work/password" --idn-file "$work/number"
done
ok 'check: key, R and identity number, from every scheme and from a PFX'

expect_exit 4 npki check "$tree" --password-file "$work/wrong"
says 'password'
expect_exit 4 npki check "$tree"
says 'no terminal'
expect_exit 9 npki check "$tree" --password-file "$work/password" --idn-file "$work/other_number"
says 'not issued for this identity number'
expect_exit 2 npki check "$tree" --password-file "$work/password" --idn-file "$work/password"
expect_exit 9 npki check "$samples/signPri.key" --cert "$samples/ca.der" --password-file "$work/password"
says 'do not belong together'
expect_exit 8 npki check "$work/nothing"
expect_exit 9 npki check "$samples/README.md"
expect_exit 7 npki check 9a
ok 'check refuses: wrong password 4, wrong number 9, another key 9, none 8, rubbish 9, a key on a token 7'

# OpenSSL's own pkcs8 loses R on the way: the trap that check is for.
openssl pkey -inform DER -in "$samples/plain-with-R.p8.der" -out "$work/lost.pem"
expect_exit 9 npki check "$work/lost.pem" --cert "$work/certificate.pem"
says 'lost its random number'
ok 'a key whose R was lost is found out'

openssl req -new -key "$work/lost.pem" -subj /CN=old -out "$work/old.csr"
openssl x509 -req -in "$work/old.csr" -signkey "$work/lost.pem" -days -1 -out "$work/old.pem" 2>/dev/null
expect_exit 9 npki check "$samples/signPri.key" --cert "$work/old.pem" --password-file "$work/password"
says 'expired'
grep -q 'fits the certificate' "$work/out" || fail "$(cat "$work/out")"
ok 'an expired certificate: exit 9, and what belongs together is told all the same'

OPENSSL_MODULES="$work/nothing" expect_exit 7 npki check "$tree" --password-file "$work/password"
says 'libssl3'
OPENSSL_MODULES="$work/nothing" expect_exit $whole npki check "$samples/sign.pfx" --password-file "$work/password"
openssl pkcs12 -export -legacy -in "$work/certificate.pem" -inkey "$work/lost.pem" -passout "file:$work/password" \
    -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -out "$work/rc2.pfx"
OPENSSL_MODULES="$work/nothing" expect_exit 7 npki check "$work/rc2.pfx" --password-file "$work/password"
expect_exit 9 npki check "$work/rc2.pfx" --password-file "$work/password"
says 'lost its random number'
openssl pkcs12 -export -in "$work/certificate.pem" -inkey "$work/lost.pem" -passout "file:$work/password" \
    -out "$work/aes.pfx"
expect_exit 9 npki check "$work/aes.pfx" --password-file "$work/password"
says 'lost its random number'
ok 'without the legacy provider SEED and RC2 are a clear error; 40-bit RC2 and AES PFX are read'

mkdir "$work/out1"
expect_exit 0 npki export "$samples/sign.pfx" --folder "$work/out1" --password-file "$work/password"
[ "$(cat "$work/out")" = "$work/out1/NPKI/yessign/USER/$person" ] || fail "exported to $(cat "$work/out")"
cmp "$samples/signCert.der" "$(cat "$work/out")/signCert.der" || fail 'another certificate was exported'
expect_exit 0 npki check "$work/out1/NPKI/yessign/USER/$person" --password-file "$work/password" --idn-file "$work/number"
expect_exit 9 npki export "$samples/sign.pfx" --folder "$work/out1" --password-file "$work/password"
says 'there already'
expect_exit 8 npki export "$samples/sign.pfx" --folder "$work/nothing" --password-file "$work/password"
ok 'export to a folder where other programs look, never over another'

printf 'New:한글\n' >"$work/new"
expect_exit 0 npki export "$tree" --pfx "$work/new.pfx" --password-file "$work/password" --new-password-file "$work/new"
openssl pkcs12 -in "$work/new.pfx" -passin "file:$work/new" -nodes -out "$work/opened" 2>"$work/err"
grep -iq '1\.2\.410\.200004\.10\.1\.1\.3' "$work/opened" || fail "OpenSSL sees no R: $(head -20 "$work/opened")"
openssl pkey -in "$work/opened" -pubout | cmp - "$work/public.pem" || fail 'OpenSSL finds another key in the PFX'
[ "$(stat -c %a "$work/new.pfx")" = 600 ] || fail 'others may read the PFX'
expect_exit 9 npki export "$tree" --pfx "$work/new.pfx" --password-file "$work/password"
expect_exit 2 npki export "$tree" --password-file "$work/password"
expect_exit 7 npki export 9a --pfx "$work/never.pfx"
says 'cannot be taken'
ok 'export to a PFX that OpenSSL opens, R in it; a key on a token: exit 7'

# A terminal of its own: the password is asked for and not shown.
tty="$BUILD/tests/e2e/tool_on_tty"
expect_exit 0 "$tty" 'Test!npki2026' '123456-1234567' -- "$ingam" npki check "$samples/sign.pfx" --idn
grep -q 'fits' "$work/out" || fail "asked at a terminal: $(cat "$work/out")"
! grep -q 'npki2026\|1234567' "$work/out" || fail 'the terminal showed a secret'
expect_exit 4 "$tty" 'Test!' -- "$ingam" npki check "$samples/sign.pfx" --idn
ok 'password and number are asked for at a terminal and not shown'
! grep -rqs 'npki2026\|1234561234567' "$HOME/.local" || fail 'a secret was kept'
stack_done
