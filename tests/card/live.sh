#!/bin/sh
# The card library on both real transports: a simulator's socket, and pcscd with a virtual reader.
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"

start_sim direct
"$BUILD/tests/card/card-tour" || fail "the tour through the direct socket"
ok "a life of keys and certificates through the direct socket"
"$BUILD/tests/card/card-others" || fail "other programs, through the direct socket"
ok "other programs at the same card, through the direct socket"
unset INGAM_SIM
stop direct

start_pcscd "Ingam Test Reader"
start_card token "${vpcd_ports%% *}"
"$BUILD/tests/card/card-tour" || fail "the tour through pcscd"
ok "the same through pcscd"
"$BUILD/tests/card/card-others" || fail "other programs, through pcscd"
ok "other programs at the same card, through pcscd"
stack_done
