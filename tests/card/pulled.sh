#!/bin/sh
# Cards pulled and pcscd stopped at every exchange of the card library's work.
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"

INGAM_SIM="unix:$work/direct.sock" "$BUILD/tests/card/card-pulled" "$sim" "$work/direct.image" direct \
    "$work/direct.sock" || fail "the direct socket"
ok "pulled at every exchange, direct socket"

start_pcscd "Ingam Test Reader"
# shellcheck disable=SC2154
"$BUILD/tests/card/card-pulled" "$sim" "$work/token.image" vpcd "${vpcd_ports%% *}" "$pcscd_pid" || fail "pcscd"
ok "pulled, and the service stopped, at every exchange through pcscd"
stack_done
