#!/bin/sh
# ykman's oath commands take the simulated YubiKey for a real one; each code is compared with oathtool's.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4
oath() {
    wanted=$1
    shift
    says "$wanted" ykman -r "$yubico_reader 00 00" oath "$@"
}
no() {
    wanted=$1
    shift
    refuses "$wanted" ykman -r "$yubico_reader 00 00" oath "$@"
}
# The secrets of RFC 6238, appendix B, and RFC 4226, appendix D, are these digits repeated.
secret_of() {
    case $1 in SHA1) length=20 ;; SHA256) length=32 ;; SHA512) length=64 ;; esac
    printf '%.*s' "$length" 1234567890123456789012345678901234567890123456789012345678901234 | base32 -w 0 | tr -d =
}
# totp NAME HASH DIGITS PERIOD: the token's code is oathtool's, before or after it was asked.
totp() {
    for moment in before after; do
        [ $moment = before ] || oath - accounts code -s "$1"
        oathtool "--totp=$2" -d "$3" -s "${4}s" -b "$(secret_of "$2")" >"$work/$moment"
    done
    grep -qxF "$(cat "$work/said")" "$work/before" "$work/after" ||
        fail "$1: $(cat "$work/said") is neither $(cat "$work/before") nor $(cat "$work/after")"
}
oath 'OATH version: 5\.4' info
said 'protection: disabled' 'oath info'
for hash in SHA1 SHA256 SHA512; do
    for digits in 6 8; do
        oath - accounts add -a "$hash" -d "$digits" "t$digits$hash" "$(secret_of "$hash")"
    done
    oath - accounts add -a "$hash" -d 7 -P 60 -i Issuer "minute$hash" "$(secret_of "$hash")"
done
oath 't6SHA1' accounts list
[ "$(wc -l <"$work/said")" -eq 9 ] || fail "not nine accounts: $(cat "$work/said")"
for hash in SHA1 SHA256 SHA512; do
    totp "t6$hash" "$hash" 6 30
    totp "t8$hash" "$hash" 8 30
    totp "Issuer:minute$hash" "$hash" 7 60
done
oath '^t8SHA512 +[0-9]{8}$' accounts code
[ "$(grep -c '[0-9]\{6,8\}$' "$work/said")" -eq 9 ] || fail "not nine codes: $(cat "$work/said")"
ok 'TOTP with three hashes, 6, 7 and 8 digits, 30 and 60 seconds'

for hash in SHA1 SHA256; do
    oath - accounts add -o HOTP -a "$hash" -d 6 "h$hash" "$(secret_of "$hash")"
done
oath - accounts add -o HOTP -c 7 -d 8 late "$(secret_of SHA1)"
for count in 0 1 2 3 4 5 6 7 8 9; do
    # oathtool knows HOTP with SHA-1 only.
    oath - accounts code -s hSHA1
    [ "$(cat "$work/said")" = "$(oathtool --hotp -c "$count" -b "$(secret_of SHA1)")" ] ||
        fail "HOTP $count: $(cat "$work/said")"
done
# RFC 4226, appendix D.
[ "$(cat "$work/said")" = 520489 ] || fail "the tenth value of RFC 4226 is 520489, not $(cat "$work/said")"
oath - accounts code -s late
[ "$(cat "$work/said")" = "$(oathtool --hotp -d 8 -c 7 -b "$(secret_of SHA1)")" ] || fail "late: $(cat "$work/said")"
oath '^[0-9]{6}$' accounts code -s hSHA256
ok 'HOTP: ten values of RFC 4226, a counter that starts at 7'

# A counter survives the loss of power.
take_out token
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4
oath - accounts code -s hSHA1
[ "$(cat "$work/said")" = "$(oathtool --hotp -c 10 -b "$(secret_of SHA1)")" ] || fail "eleventh: $(cat "$work/said")"
ok 'the counter goes on after the token was out'

oath - accounts rename -f t6SHA1 Renamed:account
totp Renamed:account SHA1 6 30
no '.' accounts code -s t6SHA1
oath - accounts delete -f Renamed:account
oath - accounts uri -f 'otpauth://totp/Uri:person?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Uri&algorithm=SHA1&digits=6&period=30'
totp Uri:person SHA1 6 30
oath - accounts add -t touched "$(secret_of SHA1)"
oath 'Requires Touch' accounts code
ok 'renamed, deleted, added by URI, one that requires touch listed'

oath - access change -n 'correct horse'
oath 'protection: enabled' info
no '.' accounts list
no '[Ww]rong|incorrect|failed' accounts list -p wrong
oath 'Uri:person' accounts list -p 'correct horse'
oath - access change -p 'correct horse' -c
oath 'Uri:person' accounts list
ok 'access code set, demanded, wrong one refused, taken away'
oath - reset -f
oath - accounts list
[ ! -s "$work/said" ] || fail "accounts after the reset: $(cat "$work/said")"
ok 'reset'
session_done
