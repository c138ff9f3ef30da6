# What the module costs beside OpenSC's and ykcs11 on the same token: exchanges, bytes and milliseconds; and its searches,
# attributes and verifications beside SoftHSM2's.
# shellcheck shell=sh disable=SC2034
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"

calls="$BUILD/tests/bench/module-calls"
# As a test it only has to work; by hand on a quiet machine the figures count.
rounds=3 signatures=20 searches=100
[ -z "${BENCH_MS:-}" ] || rounds=5 signatures=500 searches=5000
names="auth sign decrypt card"
keys=4
token_start
does yubico-piv-tool -r Yubico -a status
our_module=$module
printf 'a text\n' >"$work/text"

# spent: "EXCHANGES BYTES MICROSECONDS" that the card has counted so far.
spent() {
    sed -n 's/.*"dir":"command".*"lc":\([0-9]*\).*/1 \1 0/p; s/.*"dir":"response".*"len":\([0-9]*\),"us":\([0-9]*\).*/0 \1 \2/p' \
        "$work/token.log" | awk '{ n += $1; b += $2 + ($1 ? 5 : 2); t += $3 } END { print n + 0, b + 0, t + 0 }'
}
now_us() {
    date +%s%6N
}
# once COMMAND...: a program run once, the card without power before: "EXCHANGES BYTES MS" (the least time of $rounds).
once() {
    least=
    for round in $(seq "$rounds"); do
        opensc-tool -c default --reset cold >/dev/null 2>&1
        before=$(spent)
        begin=$(now_us)
        does "$@"
        took=$(($(now_us) - begin))
        after=$(spent)
        [ -n "$least" ] && [ "$least" -le "$took" ] || least=$took
    done
    echo "$before $after $least" | awk '{ printf "%5d %6d %7.1f", $4 - $1, $5 - $2, $7 / 1000 }'
}
# each MODULE CALL: what one more signature costs: "EXCHANGES BYTES MS", and the mean time above the card's own.
each() {
    does "$calls" "$1" "$pin" "$2" 1
    zero=$(spent)
    does "$calls" "$1" "$pin" "$2" 1
    one=$(spent)
    does "$calls" "$1" "$pin" "$2" "$((signatures + 1))"
    echo "$zero $one $(spent) $signatures $(cat "$work/said")" | awk '{ n = $10; card = (($9 - $6) - ($6 - $3)) / n / 1000
        printf "%5.1f %6.0f %7.2f  overhead %.2f", (($7 - $4) - ($4 - $1)) / n, (($8 - $5) - ($5 - $2)) / n, $11 / 1000,
        $13 / 1000 - card }'
}
row() {
    printf '%-34s %-8s %s\n' "$1" "$2" "$3"
}

printf '%-34s %-8s %5s %6s %7s\n' "4 keys, 4 certificates" module exch. bytes ms
for pair in "ingam $our_module" "opensc $opensc_module" "ykcs11 $ykcs11_module"; do
    who=${pair%% *} module=${pair#* }
    row 'pkcs11-tool -L' "$who" "$(once p11 -L)"
    row 'pkcs11-tool -O' "$who" "$(once p11 -O)"
    row 'login, first RSA-2048 signature' "$who" "$(once p11 --login --pin "$pin" --sign --id 01 -m SHA256-RSA-PKCS \
        -i "$work/text" -o "$work/sig")"
    row 'each RSA-2048 signature' "$who" "$(each "$module" sign-rsa)"
    row 'each P-256 signature, no PIN' "$who" "$(each "$module" sign-ec)"
done
ok 'traffic and time'

# SoftHSM2 keeps everything in the program: what a search and a verification cost without any card.
softhsm_calls() {
    for call in find attribute verify; do
        does "$calls" "$module" "$pin" "$call" "$searches"
        row "$call, microseconds (median, least, mean)" "$1" "$(cat "$work/said")"
    done
}
module=$our_module
softhsm_calls ingam
token_softhsm
softhsm_calls softhsm
ok 'searches, attributes, verifications'
session_done
