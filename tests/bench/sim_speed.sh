# How fast the simulated token is through a real pcscd, how soon an image is open, what a thousand tokens cost.
# shellcheck shell=sh
# shellcheck source=tests/lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"

now_us() {
    date +%s%6N
}

start_pcscd "Bench"
start_card token "$vpcd_ports"
# Run as a test it only has to work; its figures count when it is run by hand on a quiet machine: BENCH_MS=5000.
"$BUILD/tests/bench/sim-speed" Bench "${BENCH_MS:-100}" "${BENCH_LEAST:-0}"
ok "signatures, beside the stack and beside OpenSSL"
stop token

before=$(now_us)
start again "$sim" --image "$work/token.image" --listen "unix:$work/again.sock"
took=$((($(now_us) - before) / 1000))
printf 'an existing image is served after %d ms, start of the program and of this script'\''s helpers included\n' "$took"
ok "an image opens"
stop again

many=${BENCH_TOKENS:-20}
mkdir "$work/many"
start fleet "$sim" --count "$many" --image "$work/many/%d.image" --listen "unix:$work/many/%d.sock" --serial 1000
kilobytes=$(awk '/^VmRSS/ {print $2}' "/proc/$fleet_pid/status")
printf '%d tokens in one process: %d kB, %d kB each\n' "$many" "$kilobytes" $((kilobytes / many))
ok "many tokens fit in a process"
stack_done
