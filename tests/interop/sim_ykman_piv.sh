#!/bin/sh
# ykman's piv commands take the simulated YubiKey for a real one: keys, requests, certificates, attestation, PIN, PUK and
# management keys of each kind, blocked and reset.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4 --serial 12345678
make_ca
pin=$default_pin
# piv PATTERN WORD...; no PATTERN WORD...: refused.
piv() {
    wanted=$1
    shift
    says "$wanted" ykman -r "$yubico_reader 00 00" piv "$@"
}
no() {
    wanted=$1
    shift
    refuses "$wanted" ykman -r "$yubico_reader 00 00" piv "$@"
}
says 'Serial number: 12345678' ykman -r "$yubico_reader 00 00" info
said 'Firmware version: 5\.4\.3' info
said 'PIV .*Enabled' info
said 'Enabled USB interfaces: CCID$' info
piv 'PIV version: 5\.4\.3' info
said 'PIN tries remaining: 3/3' 'piv info'
said 'algorithm: TDES' 'piv info'
piv - objects generate chuid -m "$default_admin"
piv - objects generate ccc -m "$default_admin"
piv 'CHUID:.*3019' info
ok 'info, CHUID and CCC'

for key in 9a:RSA2048 9c:ECCP256 9d:ECCP384 82:ECCP256; do
    name=${key%:*}
    piv - keys generate -m "$default_admin" -a "${key#*:}" "$name" "$work/$name.pub"
    piv - certificates request -P "$pin" -s "CN=$name,O=Interop" "$name" "$work/$name.pub" "$work/$name.csr"
    judge req -in "$work/$name.csr" -verify -noout
    issue "$name"
    piv - certificates import -m "$default_admin" -P "$pin" --verify "$name" "$work/$name.pem"
    piv - certificates export "$name" "$work/read"
    judge x509 -in "$work/read" -out "$work/read.pem"
    same "$work/read.pem" "$work/$name.pem"
    piv - keys export "$name" "$work/read"
    judge pkey -pubin -in "$work/read" -pubout -out "$work/read.pub"
    judge pkey -pubin -in "$work/$name.pub" -pubout -out "$work/want.pub"
    same "$work/read.pub" "$work/want.pub"
    piv - keys attest "$name" "$work/attest.pem"
    piv - certificates export f9 "$work/f9.pem"
    judge verify -partial_chain -trusted "$work/f9.pem" "$work/attest.pem"
done
ok 'four keys made, requested for, certified, exported and attested'
piv - certificates generate -m "$default_admin" -P "$pin" -s 'CN=self' 9a "$work/9a.pub"
piv - certificates export 9a "$work/self.pem"
judge verify -CAfile "$work/self.pem" "$work/self.pem"
judge genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/own.key"
judge pkey -in "$work/own.key" -pubout -out "$work/own.pub"
issue own
piv - keys import -m "$default_admin" --pin-policy NEVER 9e "$work/own.key"
piv - certificates import -m "$default_admin" -P "$pin" --verify 9e "$work/own.pem"
no 'not tied to the private key' certificates import -m "$default_admin" -P "$pin" --verify 9e "$work/9c.pem"
no '.' keys attest 9e "$work/attest.pem"
piv 'CN=own' info
said 'CN=self' 'piv info'
piv - certificates delete -m "$default_admin" 9e
no '.' certificates export 9e "$work/read"
printf 'what a person keeps' >"$work/object"
piv - objects import -m "$default_admin" 5fff10 "$work/object"
piv - objects export 5fff10 "$work/read"
same "$work/read" "$work/object"
ok 'a self-made certificate, a key brought, a mismatch noticed, a certificate deleted, an object'

admin=$default_admin
for kind in AES128:00112233445566778899aabbccddeeff TDES:112233445566778899aabbccddeeff001122334455667788 \
    AES192:112233445566778899aabbccddeeff001122334455667788 \
    AES256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff; do
    piv - access change-management-key -m "$admin" -a "${kind%:*}" -n "${kind#*:}" -f
    admin=${kind#*:}
    piv "algorithm: ${kind%:*}" info
    piv - objects generate chuid -m "$admin"
    no '.' objects generate chuid -m "$default_admin"
done
piv - access change-management-key -m "$admin" -P "$pin" -a AES256 --protect -f
piv 'protected by PIN' info
piv - objects generate ccc -P "$pin"
ok 'management keys of four kinds, and one kept behind the PIN'

piv - access change-pin -P "$pin" -n 654321
no '.' access change-pin -P "$pin" -n 111111
piv 'remaining: 2/3' info
piv - access change-puk -p "$default_puk" -n 87654321
for try in 1 2; do
    no '.' access change-pin -P "00000$try" -n 111111
done
no '[Bb]locked' access change-pin -P 654321 -n 111111
piv 'remaining: 0/3' info
piv - access unblock-pin -p 87654321 -n 222222
piv - access set-retries -P 222222 6 7 -f
piv 'remaining: 6/6' info
ok 'PIN and PUK changed, blocked, unblocked; tries set'
piv '.' reset -f
piv 'remaining: 3/3' info
said 'algorithm: TDES' 'piv info'
not_said 'Slot'
ok 'reset to factory values'
session_done
