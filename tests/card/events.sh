#!/bin/sh
# Cards pulled and put back, simulators and pcscd stopped and started, under the card library's open connections.
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"

# said NAME WORD: that program's next line is this.
said() {
    line=$(next_line "$1") || fail "$1 is silent: $(cat "$work/$1.err")"
    [ "$line" = "$2" ] || fail "$1 said $line, not $2: $(cat "$work/$1.err")"
}

# ended NAME: that program comes to its end and found everything as it must be.
ended() {
    eval "ending=\$${1}_pid"
    # shellcheck disable=SC2154
    wait "$ending" || fail "$1: $(cat "$work/$1.err")"
}

start_sim direct
start first "$BUILD/tests/card/card-events" gone back gone
stop direct
said first gone
unset INGAM_SIM
start_sim direct
said first back
stop direct
ended first
ok "a simulator that ends and comes back"
unset INGAM_SIM

start_pcscd "Ingam Test Reader"
start_card token "${vpcd_ports%% *}"
start second "$BUILD/tests/card/card-events" gone back gone
stop token
said second gone
stack_cards=0
start_card token "${vpcd_ports%% *}"
said second back
stop token
ended second
ok "a card pulled and put back"

stack_cards=0
start_card token "${vpcd_ports%% *}"
start third "$BUILD/tests/card/card-events" down back
# shellcheck disable=SC2154
kill -USR1 "$pcscd_pid"
said pcscd stopped
said third down
stop token
kill -HUP "$pcscd_pid"
said pcscd restarted
stack_cards=0
start_card token "${vpcd_ports%% *}"
ended third
ok "pcscd stopped and started"
stack_done
