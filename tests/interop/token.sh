# The token that foreign programs meet through the module: keys and certificates as people have them on a PIV card.
# To be sourced after foreign.sh. The module under judgement is ours; INTEROP_MODULE=opensc, ykcs11 or softhsm puts
# another in its place, to tell a fault of the test from one of the module.
# shellcheck shell=sh disable=SC2034,SC2154

pin=$default_pin
judged=${INTEROP_MODULE:-ingam}
names="auth sign decrypt card agree"
keys=5
id_of() {
    case $1 in auth) echo 01 ;; sign) echo 02 ;; decrypt) echo 03 ;; card) echo 04 ;; agree) echo 05 ;; esac
}
slot_of() {
    case $1 in auth) echo 9a ;; sign) echo 9c ;; decrypt) echo 9d ;; card) echo 9e ;; agree) echo 82 ;; esac
}

# token_keys: a CA, and for each slot a key and a certificate in $work: RSA-2048 in 9A and 9D, P-256 in 9C, 9E and 82.
token_keys() {
    make_ca
    for name in $names; do
        case $name in
        auth | decrypt) judge genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/$name.key" ;;
        *) judge genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/$name.key" ;;
        esac
        judge pkey -in "$work/$name.key" -pubout -out "$work/$name.pub"
        issue "$name"
    done
}

# token_load: puts them on the card that yubico-piv-tool finds in the reader named, with an identity (CHUID, CCC).
token_load() {
    for name in $names; do
        does yubico-piv-tool -r "$1" -a import-key -a import-certificate -s "$(slot_of "$name")" -i "$work/$name.both"
    done
    does yubico-piv-tool -r "$1" -a set-chuid -a set-ccc
}

token_softhsm() {
    module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
    mkdir -p "$work/softhsm"
    printf 'directories.tokendir = %s\nlog.level = ERROR\nslots.removable = false\n' "$work/softhsm" >"$work/softhsm2.conf"
    export SOFTHSM2_CONF="$work/softhsm2.conf"
    does softhsm2-util --init-token --free --label Interop --so-pin 12345678 --pin "$pin"
    for name in $names; do
        does softhsm2-util --import "$work/$name.key" --token Interop --label "$name" --id "$(id_of "$name")" --pin "$pin"
        judge x509 -in "$work/$name.pem" -outform DER -out "$work/$name.der"
        does pkcs11-tool --module "$module" --login --pin "$pin" --write-object "$work/$name.der" --type cert \
            --id "$(id_of "$name")" --label "$name"
    done
}

# token_start: the module's token stands in a reader.
token_start() {
    token_keys
    case $judged in
    softhsm)
        token_softhsm
        return
        ;;
    opensc) module=$opensc_module ;;
    ykcs11) module=$ykcs11_module ;;
    esac
    start_pcscd "$yubico_reader"
    for name in $names; do
        cat "$work/$name.key" "$work/$name.pem" >"$work/$name.both"
    done
    # shellcheck disable=SC2154
    start_card token "${vpcd_ports%% *}" --profile yubikey-5.4
    token_load "$yubico_reader"
}
# token_name: the label that the module gives the token, and its serial number.
token_name() {
    p11 -L | sed -n 's/^ *token label *: *//p' | head -n 1
}
token_serial() {
    p11 -L | sed -n 's/^ *serial num *: *//p' | head -n 1
}
