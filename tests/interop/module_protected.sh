#!/bin/sh
# The management key is kept behind the PIN, as ykman does it: the user's login is enough for programs that know of no
# other (pkcs11-tool, p11tool, certutil) to make keys and write certificates; no key that was there is lost.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4
make_ca
does yubico-piv-tool -r Yubico -a set-chuid
does ykman -r "$yubico_reader 00 00" piv access change-management-key -m "$default_admin" -P "$pin" -a AES256 --protect -f
export GNUTLS_PIN="$pin"
url="pkcs11:serial=$(token_serial)"
printf '%s\n' "$pin" >"$work/pin"
head -c 200 /dev/urandom >"$work/noise"

# What is in a slot, by the maker's tool; $work/keys grows by each key that was made.
key_in() {
    does yubico-piv-tool -r Yubico -a attest -s "$1" -o "$work/attest.pem"
    openssl x509 -in "$work/attest.pem" -noout -pubkey >"$work/$1.pub"
    cp "$work/$1.pub" "$work/$1.kept"
    slots="$slots $1"
}
slots=
says 'Key pair generated' p11 --login --pin "$pin" --keypairgen --id 01 --key-type rsa:2048 --label 'made by user'
key_in 9a
does p11tool --provider "$module" --login --batch --generate-privkey ecdsa --curve secp256r1 --label named --id 02 \
    --outfile "$work/gnutls.pub" "$url"
key_in 9c
judge pkey -pubin -in "$work/gnutls.pub" -pubout -out "$work/gnutls.pem"
same "$work/gnutls.pem" "$work/9c.pub"
does p11tool --provider "$module" --login --batch --generate-privkey rsa --bits 2048 --label unnamed \
    --outfile "$work/gnutls.pub" "$url"
key_in 9d
says 'object=unnamed;type=private' p11tool --provider "$module" --login --batch --list-privkeys "$url"
ok 'pkcs11-tool and p11tool make keys; one that is given no id takes the next slot'
cp "$work/9d.pub" "$work/unnamed.pub"
issue unnamed
does p11tool --provider "$module" --login --batch --write --load-certificate "$work/unnamed.pem" --label unnamed "$url"
does yubico-piv-tool -r Yubico -a read-certificate -s 9d -o "$work/read"
judge x509 -in "$work/read" -out "$work/read.pem"
same "$work/read.pem" "$work/unnamed.pem"
ok 'p11tool writes a certificate to the slot of its key'

# Keys that others put into retired slots, without a certificate, are seen and never written over.
judge genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/own.key"
judge pkey -in "$work/own.key" -pubout -out "$work/83.kept"
does ykman -r "$yubico_reader 00 00" piv keys import -P "$pin" 83 "$work/own.key"
says 'ID: *06' p11 --login --pin "$pin" -O

mkdir "$work/nssdb"
db="sql:$work/nssdb"
does modutil -dbdir "$db" -create -force
does modutil -dbdir "$db" -add judged -libfile "$module" -force
does certutil -A -d "$db" -n 'Interop CA' -t CT,C,C -i "$work/ca.pem"
token=$(token_name)
for kind in 'ec -q nistp256' 'rsa -g 2048' 'ec -q secp384r1'; do
    name=nss-${kind%% *}-${kind##* }
    # shellcheck disable=SC2086
    does certutil -R -d "$db" -h "$token" -f "$work/pin" -k $kind -s "CN=$name" -z "$work/noise" -o "$work/$name.csr"
    judge req -inform DER -in "$work/$name.csr" -verify -noout
    openssl req -inform DER -in "$work/$name.csr" -noout -pubkey >"$work/$name.pub"
    issue "$name"
    does certutil -A -d "$db" -h "$token" -f "$work/pin" -n "$name" -t u,u,u -i "$work/$name.pem"
    says "$name *u,u,u" certutil -L -d "$db" -h "$token" -f "$work/pin"
    printf 'a text\n' >"$work/text"
    does cmsutil -S -d "$db" -N "$token:$name" -f "$work/pin" -i "$work/text" -o "$work/text.cms"
    judge cms -verify -inform DER -in "$work/text.cms" -CAfile "$work/ca.pem" -purpose any -binary -out "$work/verified"
    same "$work/verified" "$work/text"
done
ok 'certutil makes three keys and requests, takes the certificates; cmsutil signs with them'

for slot in $slots; do
    does yubico-piv-tool -r Yubico -a attest -s "$slot" -o "$work/attest.pem"
    openssl x509 -in "$work/attest.pem" -noout -pubkey >"$work/now.pub"
    same "$work/now.pub" "$work/$slot.kept"
done
does ykman -r "$yubico_reader 00 00" piv keys export 83 "$work/now"
judge pkey -pubin -in "$work/now" -pubout -out "$work/now.pub"
same "$work/now.pub" "$work/83.kept"
ok 'no key that was there is lost'
take_out token

# pkcs11-tool's test of EC keys makes one, renames it, signs and deletes it: a card that can delete keys.
start_card newer "${vpcd_ports%% *}" --profile yubikey-5.7
does ykman -r "$yubico_reader 00 00" piv access change-management-key -m "$default_admin" -P "$pin" -a AES256 --protect -f
for id in 04 05; do
    says '==> OK|OK' p11 --login --pin "$pin" --session-rw --key-type EC:prime256v1 --id $id --test-ec
    not_said 'error:|Aborting'
done
ok '--test-ec: a key made, renamed, used and deleted, twice'

# Data without an object id: told apart by their labels, and behind the PIN.
for label in one two one; do
    printf 'note %s\n' "$label" >"$work/$label.note"
    does p11 --login --pin "$pin" --write-object "$work/$label.note" --type data --label "$label" --private
done
for label in one two; do
    does p11 --login --pin "$pin" --read-object --type data --label "$label" -o "$work/read.note"
    same "$work/read.note" "$work/$label.note"
done
does p11 --login --pin "$pin" --delete-object --type data --label one
refuses 'not found' p11 --login --pin "$pin" --read-object --type data --label one
does p11 --login --pin "$pin" --read-object --type data --label two -o "$work/read.note"
same "$work/read.note" "$work/two.note"
refuses 'not found' p11 --read-object --type data --label two
refuses CKR_ATTRIBUTE_VALUE_INVALID p11 --login --pin "$pin" --write-object "$work/one.note" --type data --label public
ok 'pkcs11-tool keeps private notes by their labels; public ones have no place on a card'
session_done
