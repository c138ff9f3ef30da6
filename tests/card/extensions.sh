#!/bin/sh
# The extensions of YubiKey-like cards and their OATH applet, on both real transports and two firmware generations.
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"

for profile in yubikey-5.4 yubikey-5.7; do
    unset INGAM_SIM
    start_sim "direct${profile#*.}" --profile "$profile"
    "$BUILD/tests/card/card-extensions" || fail "the extensions of $profile"
    "$BUILD/tests/card/card-onetime" || fail "the OATH applet of $profile"
    ok "$profile through the direct socket"
done
unset INGAM_SIM

start_pcscd "Ingam Test Reader"
start_card token "${vpcd_ports%% *}" --profile yubikey-5.7
"$BUILD/tests/card/card-extensions" || fail "the extensions through pcscd"
"$BUILD/tests/card/card-onetime" || fail "the OATH applet through pcscd"
ok "yubikey-5.7 through pcscd"
stack_done
