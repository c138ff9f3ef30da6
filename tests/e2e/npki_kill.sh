#!/bin/sh
# ingam move and npki export killed at every moment at which a state becomes durable: the old state or the new, and
# the same command goes on.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/tool_lib.sh"
. "$SOURCE/tests/e2e/npki_lib.sh"

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/old.key" -out "$work/old.pem" -subj /CN=old -days 3 2>/dev/null

killed() {
    first=0
    LD_PRELOAD="$BUILD/tests/e2e/libtool_killer.so" INGAM_TEST_KILL="$at" "$@" >"$work/out" 2>"$work/err" </dev/null ||
        first=$?
    case $first in
    0) return 1 ;;
    137) ;;
    *) fail "killed at $at it ended with $first: $(cat "$work/err")" ;;
    esac
}

# try WHEN [OPTION...]: onto an empty slot, or with --replace over another key.
try() {
    at=$1
    shift
    rm -rf "$work/softhsm" "$HOME/.local"
    softhsm_new 'card one'
    set -- "$ingam" move "$samples/sign.pfx" 9c --module "$softhsm" --pin-file "$work/pin" \
        --password-file "$work/password" "$@"
    [ "$replacing" = no ] || "$ingam" move "$work/old.key" 9c --cert "$work/old.pem" --module "$softhsm" \
        --pin-file "$work/pin" 2>/dev/null >/dev/null
    killed "$@" || return 1
    if [ "${at#*:}" = after ]; then
        expect_exit 9 "$ingam" move "$work/old.key" 9c --cert "$work/old.pem" --module "$softhsm" \
            --pin-file "$work/pin"
        says 'on its way'
    fi
    expect_exit 0 "$@"
    softhsm_works 02 9c
    [ "$(softhsm_count 'Private Key')$(softhsm_count 'Public Key')$(softhsm_count Certificate)$(softhsm_count Data)" = 1111 ] ||
        fail "killed at $at: $(pkcs11-tool --module "$softhsm" --login --pin 123456 -O 2>/dev/null)"
    [ -z "$(find "$HOME" -name '*.json')" ] || fail "killed at $at: a journal is left"
    ok "move $* killed at $at: the same command goes on"
}

for options in '' '--replace --yes'; do
    moment=1 replacing=no
    [ -z "$options" ] || replacing=yes
    # Options are words.
    # shellcheck disable=SC2086
    while try "$moment:before" $options; do
        try "$moment:after" $options || break
        moment=$((moment + 1))
    done
    [ "$moment" -ge 4 ] || fail "only $((moment - 1)) states are made durable"
done

for at in 1:before 1:after; do
    rm -rf "$work/stick"
    mkdir "$work/stick"
    set -- "$ingam" npki export "$samples/sign.pfx" --folder "$work/stick" --password-file "$work/password"
    killed "$@" || fail "export is not killed at $at"
    there="$work/stick/NPKI/yessign/USER/$person"
    if [ "$at" = 1:before ]; then
        [ ! -e "$there" ] || fail 'half an export has its name already'
        expect_exit 0 "$@"
    fi
    expect_exit 0 "$ingam" npki check "$there" --password-file "$work/password" --idn-file "$work/number"
    ok "export killed at $at: all or nothing"
done
stack_done
