#!/bin/sh
# Where PINs go when several programs share a card: the module beside OpenSC's and ykcs11's in the same scenarios.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "$yubico_reader"
port=${vpcd_ports%% *}
trials=200
[ -z "${INGAM_SOAK:-}" ] || trials=10000

# Two cards of the same kind with different PINs, and the same keys but for one.
make_ca
make_card() {
    start_card "$1" "$port" --profile yubikey-5.4
    for slot in 9a:RSA2048:01 9e:ECCP256:04; do
        name=${slot##*:} rest=${slot#*:}
        does yubico-piv-tool -r Yubico -a generate -s "${slot%%:*}" -A "${rest%:*}" -o "$work/$name.pub"
        issue "$name"
        does yubico-piv-tool -r Yubico -a import-certificate -s "${slot%%:*}" -i "$work/$name.pem"
    done
    [ -z "${2:-}" ] || does yubico-piv-tool -r Yubico -a change-pin -P "$default_pin" -N "$2"
    take_out "$1"
}
make_card other 654321
make_card card
patience=880
does /usr/bin/python3 "$SOURCE/tests/interop/pin_scenarios.py" "$work" "$sim" "$port" "$yubico_reader 00 00" "$trials" \
    "ingam=$module" "opensc=$opensc_module" "ykcs11=$ykcs11_module"
cp "$work/said" "$work/facts"

# fact MODULE SCENARIO KEY: what was seen.
fact() {
    sed -n "s/^$1 $2 .*\\<$3=\\([^ ]*\\).*/\\1/p" "$work/facts"
}
# must MODULE SCENARIO KEY TEST VALUE
must() {
    seen=$(fact "$1" "$2" "$3")
    test "$seen" "$4" "$5" 2>/dev/null || fail "$1, $2: $3 is '$seen', not $4 $5"
}
shown() {
    ok "$1"
    grep -E "^[a-z0-9]+ $2 " "$work/facts" | sed 's/^/  /'
}
must ingam stranger login = ok
must ingam stranger owner = 21/21
for key in signed after_logout after_close; do
    must ingam stranger $key -eq 0
done
# So that it is known that this scenario can fail.
must opensc stranger signed -gt 0
shown 'a program that knows no PIN never signs' stranger
must ingam stale before -eq 3
must ingam stale tries -ge 2
must ingam stale again -eq 3
must opensc stale tries -eq 0
shown 'three logged-in programs, the PIN changed elsewhere: it is not blocked, the new one serves' stale
must ingam swap before -eq 1
must ingam swap pins_sent -eq 0
must ingam swap tries -eq 3
must ingam swap login = ok
shown 'another card under a logged-in program: it sees no PIN' swap
must ingam applet signed -eq 5
must ingam applet without_pin -eq 5
must ingam applet tries -eq 3
shown 'another applet selected elsewhere: work goes on' applet
must ingam reset signed -eq 5
must ingam reset tries -eq 3
shown 'the card reset elsewhere: work goes on' reset
must ingam fork child = ok
must ingam fork signed -eq 5
must ykcs11 fork signed -eq 0
shown 'a child that starts and ends the module: the parent goes on' fork
must ingam replug login = ok
must ingam replug signed -eq 3
shown 'the card taken out and put in again: one login, and work goes on' replug
for scenario in stranger stale swap applet reset fork replug; do
    not_in_facts=$(grep -E "^ingam $scenario .*(hangs|died)" "$work/facts" || true)
    [ -z "$not_in_facts" ] || fail "$not_in_facts"
done
ok 'no program of ours hung or died'
session_done
