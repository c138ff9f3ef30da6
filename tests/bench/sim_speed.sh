# How fast the simulated token is through a real pcscd, how soon an image is open, what a thousand tokens cost.
# shellcheck shell=sh
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"

now_us() {
    date +%s%6N
}

start_pcscd "Bench"
start_card token "$vpcd_ports"
milliseconds=500
[ "${INGAM_SOAK:-0}" = 0 ] || milliseconds=5000
# The goal is 0.8; what other programs on the machine take away is forgiven down to 0.5.
"$BUILD/tests/bench/sim-speed" Bench "$milliseconds" 0.5
ok "signatures at the speed of the stack and of OpenSSL"
stop token

before=$(now_us)
start again "$sim" --image "$work/token.image" --listen "unix:$work/again.sock"
took=$((($(now_us) - before) / 1000))
printf 'an existing image is served after %d ms, start of the program and of this script'\''s helpers included\n' "$took"
[ "$took" -lt 1000 ] || fail "opening an image took $took ms"
ok "an image opens in milliseconds"
stop again

many=100
[ "${INGAM_SOAK:-0}" = 0 ] || many=1000
mkdir "$work/many"
start fleet "$sim" --count "$many" --image "$work/many/%d.image" --listen "unix:$work/many/%d.sock" --serial 1000
kilobytes=$(awk '/^VmRSS/ {print $2}' "/proc/$fleet_pid/status")
printf '%d tokens in one process: %d kB, %d kB each\n' "$many" "$kilobytes" $((kilobytes / many))
[ $((kilobytes / many)) -lt 150 ] || fail "a token costs too much memory"
ok "many tokens fit in a process"
stack_done
