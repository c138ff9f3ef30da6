#!/bin/sh
# Foreign programs write to the token through the module: pkcs11-tool, p11tool and certutil make and bring keys, write and
# delete certificates, change PIN, PUK and management key; Yubico's tools and OpenSSL see what came of it.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4
make_ca
yubico() {
    wanted=$1
    shift
    says "$wanted" yubico-piv-tool -r Yubico "$@"
}
yubico 'new CHUID' -a set-chuid
admin=$default_admin
# officer PATTERN ARGUMENT...: pkcs11-tool with the management key.
officer() {
    wanted=$1
    shift
    says "$wanted" p11 --session-rw --login --login-type so --so-pin "$admin" "$@"
}
printf 'a text\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"

for key in 01:rsa:2048:9a 02:EC:prime256v1:9c 03:rsa:2048:9d 04:EC:prime256v1:9e 05:EC:prime256v1:82; do
    id=${key%%:*} slot=${key##*:} type=${key#*:}
    officer 'Key pair generated' --keypairgen --id "$id" --key-type "${type%:*}" --label "key $id"
    does p11 --read-object --type pubkey --id "$id" -o "$work/read"
    judge pkey -pubin -inform DER -in "$work/read" -pubout -out "$work/$id.pub"
    does yubico-piv-tool -r Yubico -a attest -s "$slot" -o "$work/attest.pem"
    openssl x509 -in "$work/attest.pem" -noout -pubkey >"$work/attested.pub"
    same "$work/attested.pub" "$work/$id.pub"
    issue "$id"
    judge x509 -in "$work/$id.pem" -outform DER -out "$work/$id.der"
    officer 'Created certificate' --write-object "$work/$id.der" --type cert --id "$id"
    does yubico-piv-tool -r Yubico -a read-certificate -s "$slot" -o "$work/read"
    judge x509 -in "$work/read" -out "$work/read.pem"
    same "$work/read.pem" "$work/$id.pem"
    yubico 'verification' -a verify-pin -P "$pin" -a test-signature -s "$slot" -i "$work/$id.pem"
done
does p11 --login --pin "$pin" -O
for id in 01 02 03 04 05; do
    [ "$(grep -c "label: *key $id" "$work/said")" -eq 3 ] || fail "label of $id: $(cat "$work/said")"
done
ok 'five keys made, with labels and certificates; yubico-piv-tool attests and uses them'

for key in 01:RSA:rsa_keygen_bits:2048:9a 06:EC:ec_paramgen_curve:prime256v1:83; do
    id=${key%%:*} slot=${key##*:} option=${key#*:*:}
    kind=${key#*:}
    judge genpkey -algorithm "${kind%%:*}" -pkeyopt "${option%:*}" -out "$work/own.key"
    judge pkey -in "$work/own.key" -pubout -out "$work/own.pub"
    judge pkey -in "$work/own.key" -outform DER -out "$work/own.der"
    issue own
    judge x509 -in "$work/own.pem" -outform DER -out "$work/own.crt"
    [ "$id" = 06 ] || officer - --delete-object --type cert --id "$id"
    officer 'Created private key' --write-object "$work/own.der" --type privkey --id "$id" --label "own $id"
    officer 'Created certificate' --write-object "$work/own.crt" --type cert --id "$id"
    yubico 'verification' -a verify-pin -P "$pin" -a test-signature -s "$slot" -i "$work/own.pem"
    does p11 --login --pin "$pin" -O
    [ "$(grep -c "label: *own $id" "$work/said")" -eq 3 ] || fail "label of $id: $(cat "$work/said")"
done
ok 'keys brought from outside'
# A certificate that does not belong to the key is noticed.
refuses 'CKR_' p11 --login --login-type so --so-pin "$admin" --write-object "$work/02.der" --type cert --id 04
does p11 --read-object --type cert --id 04 -o "$work/read"
same "$work/read" "$work/04.der"
ok 'a certificate for another key is refused'
officer - --set-id abcd --type privkey --id 06
says 'ID: *abcd' p11 --login --pin "$pin" -O
officer - --delete-object --type cert --id abcd
yubico - -a status
not_said 'Slot 83'
ok 'an id changed, a certificate deleted'

refuses 'CKR_' p11 --login --pin "$pin" --keypairgen --id 07 --key-type EC:prime256v1
refuses 'CKR_PIN_INCORRECT' p11 --session-rw --login --login-type so --so-pin "$(echo "$admin" | sed 's/^0/8/')" -O
new=112233445566778899aabbccddeeff001122334455667788
officer 'successfully changed' --change-pin --new-pin "$new"
admin=$new
officer 'Key pair generated' --keypairgen --id 07 --key-type EC:prime256v1
yubico 'new CHUID' -a set-chuid -k"$admin"
ok 'management key changed; without it nothing is written'

says 'successfully changed' p11 --change-pin --login --pin "$pin" --new-pin 654321
yubico 'verified' -a verify-pin -P 654321
for try in 1 2; do
    refuses 'CKR_PIN_INCORRECT' p11 --login --pin "00000$try" -O
done
# The last try is not spent without an explicit yes, not even on the right PIN: CKR_FUNCTION_REJECTED.
refuses '0x200|FUNCTION_REJECTED' p11 --login --pin 000003 -O
says 'final user PIN try' p11 -L
yubico 'PIN tries left:.1' -a status
does env INGAM_LAST_TRY=1 pkcs11-tool --module "$module" --login --pin 654321 -O
yubico 'PIN tries left:.3' -a status
ok 'PIN changed; two wrong ones refused, the last try kept for who asks for it'
export INGAM_LAST_TRY=1
for try in 1 2 3; do
    refuses 'CKR_PIN_(INCORRECT|LOCKED)' p11 --login --pin "00000$try" -O
done
unset INGAM_LAST_TRY
refuses 'CKR_PIN_LOCKED' p11 --login --pin 654321 -O
says 'user PIN locked' p11 -L
says 'successfully initialized' p11 --login --login-type so --so-pin "$default_puk" --init-pin --new-pin 222222
does p11 --login --pin 222222 -O
yubico 'verified' -a verify-pin -P 222222
says 'successfully changed' p11 --change-pin --login --login-type so --so-pin "$default_puk" --new-pin 87654321
yubico 'unblocked' -a unblock-pin -P 87654321 -N "$pin"
ok 'PIN blocked, set anew with the PUK; the PUK changed'
session_done
