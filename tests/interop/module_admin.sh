#!/bin/sh
# The authentication of the management key ends with the transaction it was made for: another program can't write to the
# card, not while an SO is logged in, nor between two keys that are made. ykcs11, which leaves it, stands beside.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
start_pcscd "$yubico_reader"
judged() {
    does /usr/bin/python3 "$SOURCE/tests/interop/admin_stays_not.py" "$1" "$default_admin" 4
    printf '%s: %s\n' "$2" "$(tr '\n' ' ' <"$work/said")"
}
for profile in yubikey-5.4 piv; do
    # shellcheck disable=SC2154
    start_card card "${vpcd_ports%% *}" --profile "$profile"
    judged "$module" "ours, $profile"
    [ "$(grep -c refused "$work/said")" -eq 5 ] || fail "somebody could write: $(cat "$work/said")"
    ok "$profile: nobody else writes, logged in or not"
    if [ "$profile" = yubikey-5.4 ]; then
        judged "$ykcs11_module" "ykcs11, $profile"
        grep -q writes "$work/said" || fail 'nobody ever writes: this test can not fail'
        ok 'the same intruder writes beside a module that leaves the key authenticated: the test can tell'
    fi
    take_out card
    rm "$work/card.image"
done
session_done
