#!/bin/sh
# pkcs11-tool --test-hotplug: the module's slots and events follow a card that is taken out and put in again.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
# One slot, so that what happens in a reader is one event.
export INGAM_OTP_SLOT=no
token_start
label=$(token_name)

# The program waits for a key before each step.
mkfifo "$work/keys"
commands=$((commands + 1))
stdbuf -o0 pkcs11-tool --module "$module" --test-hotplug <"$work/keys" >"$work/hotplug" 2>&1 &
hotplug=$!
stack_pids="$hotplug $stack_pids"
exec 6>"$work/keys"
prompts=0
# prompted: it asks for the next key.
# shellcheck disable=SC2317
asked() {
    [ "$(grep -o 'press return' "$work/hotplug" | wc -l)" -gt "$prompts" ]
}
prompted() {
    wait_for 20 "prompt $((prompts + 1)) of pkcs11-tool: $(cat "$work/hotplug")" asked
    prompts=$((prompts + 1))
}
# step: what it prints between this key and the next prompt is in $work/said.
step() {
    from=$(wc -c <"$work/hotplug")
    printf '\n' >&6
    prompted
    tail -c "+$((from + 1))" "$work/hotplug" >"$work/said"
}
prompted
step
said "token label *: $label" 'the list with the card'
take_out token
step
not_said 'token label'
said 'empty' 'the list without the card'
start_card token "${vpcd_ports%% *}"
step
said "token label *: $label" 'the list with the card again'
ok 'C_GetSlotList: the token goes and comes back'

printf 'x\n' >&6
prompted
# What happened above is told at once; the next call waits until something happens.
step
said 'event on slot' 'the events so far'
calls=1
# shellcheck disable=SC2317
called() {
    [ "$(grep -o 'Calling C_WaitForSlotEvent' "$work/hotplug" | wc -l)" -gt "$calls" ]
}
# event COMMAND...: it waits, then the command makes the event.
event() {
    from=$(wc -c <"$work/hotplug")
    printf '\n' >&6
    wait_for 20 'the wait for an event to begin' called
    calls=$((calls + 1))
    "$@"
    prompted
    tail -c "+$((from + 1))" "$work/hotplug" >"$work/said"
    said 'event on slot' "$*"
}
event take_out token
not_said 'token label'
event start_card token "${vpcd_ports%% *}"
said "token label *: $label" 'the insertion'
ok 'C_WaitForSlotEvent: told of the removal and of the insertion'
printf 'x\n' >&6
exec 6>&-
wait "$hotplug" || fail "pkcs11-tool ended with $?: $(cat "$work/hotplug")"
session_done
