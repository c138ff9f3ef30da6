# The real stack for a test: private directory, simulators, pcscd, issuer, each started on free ports, awaited by
# its ready line and stopped at the end. To be sourced by a test with BUILD (the build tree) and SOURCE set, as
# ctest does; a test ends by stack_done.
# Tests use the variables set here.
# shellcheck shell=sh disable=SC2034

: "${BUILD:?set BUILD to the build tree}" "${SOURCE:?set SOURCE to the source tree}"
set -eu
umask 077

# Nothing of the caller's settings steers a test, but for two that are meant for tests.
stack_keep=${INGAM_KEEP:-} stack_soak=${INGAM_SOAK:-}
for variable in $(env | sed -n 's/^\(INGAM_[A-Z0-9_]*\|PCSCLITE_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$variable"
done
[ -z "$stack_soak" ] || export INGAM_SOAK="$stack_soak"
export LC_ALL=C.UTF-8
unset LANGUAGE XDG_STATE_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR || true

work=$(mktemp -d "${TMPDIR:-/tmp}/ingam-test.XXXXXX")
export HOME="$work/home"
mkdir "$HOME"
module="$BUILD/pkcs11/ingam-pkcs11.so"
ingam="$BUILD/tool/ingam"
issuer="$BUILD/tool/ingam-issuer"
sim="$BUILD/firmware-sim/ingam-sim"
opensc_module=$(find /usr/lib -name opensc-pkcs11.so -not -path '*/pkcs11/*' 2>/dev/null | head -n 1)
ykcs11_module=$(find /usr/lib -name 'libykcs11.so.*' 2>/dev/null | sort | tail -n 1)
stack_pids=
stack_checks=0
stack_cards=0

stack_stop_all() {
    for pid in $stack_pids; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in $stack_pids; do
        wait "$pid" 2>/dev/null || true
    done
    stack_pids=
}

stack_exit() {
    status=$?
    trap - EXIT INT TERM
    stack_stop_all
    if [ "$status" -ne 0 ]; then
        printf 'FAILED with %s; what the programs wrote (%s) is here:\n' "$status" "$work" >&2
        for file in "$work"/*.err "$work"/*/pcscd.log; do
            [ -s "$file" ] && printf -- '--- %s\n%s\n' "${file##*/}" "$(tail -n 20 "$file")" >&2
        done
    fi
    [ -n "$stack_keep" ] || rm -rf "$work"
    exit "$status"
}
trap stack_exit EXIT
trap 'exit 130' INT TERM

fail() {
    printf 'not as it must be: %s\n' "$*" >&2
    exit 1
}

# One line a thing shown; counts them.
ok() {
    stack_checks=$((stack_checks + 1))
    printf 'ok %d - %s\n' "$stack_checks" "$*"
}

# start NAME COMMAND...: starts a program whose first line of output says that it is ready; sets ${NAME}_pid and
# ${NAME}_ready. Further lines are read by next_line NAME. Its standard error goes to $work/NAME.err.
start() {
    name=$1
    shift
    mkfifo "$work/$name.out"
    # The writer's end stays open with us, so that a program may write after we stopped reading.
    (
        exec 8<>"$work/$name.out"
        exec "$@" >&8 2>"$work/$name.err" </dev/null
    ) &
    stack_pids="$! $stack_pids"
    eval "${name}_pid=$!"
    line=$(next_line "$name") || fail "$name did not start: $(cat "$work/$name.err")"
    case $line in
    ready*) eval "${name}_ready=\$line" ;;
    *) fail "$name said: $line" ;;
    esac
}

# next_line NAME: the next line that the program prints, waited for 30 seconds at most.
next_line() {
    # shellcheck disable=SC2016
    timeout 30 sh -c 'IFS= read -r line && printf "%s\n" "$line"' <"$work/$1.out"
}

# stop NAME: ends that program and waits for it.
stop() {
    eval "stopping=\$${1}_pid"
    # shellcheck disable=SC2154
    kill -TERM "$stopping" 2>/dev/null || true
    wait "$stopping" 2>/dev/null || true
    rm -f "$work/$1.out"
    stack_pids=$(printf ' %s ' "$stack_pids" | sed "s/ $stopping / /")
}

# start_sim NAME [OPTION...]: a token on a direct socket, its image and log in $work; INGAM_SIM names it (after
# those started before it).
start_sim() {
    sim_name=$1
    shift
    start "$sim_name" "$sim" --image "$work/$sim_name.image" --log "$work/$sim_name.log" \
        --listen "unix:$work/$sim_name.sock" "$@"
    INGAM_SIM="${INGAM_SIM:+$INGAM_SIM,}unix:$work/$sim_name.sock"
    export INGAM_SIM
}

# start_pcscd [READER-NAME...]: a private pcscd; PCSCLITE_CSOCK_NAME names it, vpcd_ports has a port a reader.
start_pcscd() {
    start pcscd "$BUILD/tests/lib/pcscd-run" "$work/pcscd" "$@"
    # shellcheck disable=SC2154
    vpcd_ports=${pcscd_ready#ready * }
    PCSCLITE_CSOCK_NAME="$work/pcscd/pcscd.comm"
    export PCSCLITE_CSOCK_NAME
}

# start_card NAME PORT [OPTION...]: a simulated token in the virtual reader of that port; returns when pcscd shows it.
start_card() {
    card_name=$1 card_port=$2
    shift 2
    start "$card_name" "$sim" --image "$work/$card_name.image" --log "$work/$card_name.log" \
        --vpcd "127.0.0.1:$card_port" "$@"
    stack_cards=$((stack_cards + 1))
    wait_for 15 "a card in the reader" cards_shown
}
cards_shown() {
    [ "$(opensc-tool -l 2>/dev/null | grep -c ' Yes ')" -ge "$stack_cards" ]
}

# start_desk: serves the issuing desk in $work/desk, made first if there is none; url says where it answers CMP.
start_desk() {
    [ -d "$work/desk" ] || "$issuer" init --dir "$work/desk" --name 'Test CA' >/dev/null 2>&1
    start desk "$issuer" serve --dir "$work/desk" --listen 127.0.0.1:0
    url=${desk_ready#ready }
}

# entitle NAME SUBJECT CODE-FILE: that desk writes the person down; sets reference, the code is in the file.
entitle() {
    reference=$("$issuer" authorize --dir "$work/desk" --name "$1" --subject "$2" --code-file "$3" |
        sed -n 's/^reference //p')
    [ -n "$reference" ] || fail 'the desk gave no reference number'
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; fails the test when it doesn't in that time.
wait_for() {
    wait_until=$(($(date +%s) + $1)) wait_what=$2
    shift 2
    until "$@"; do
        [ "$(date +%s)" -le "$wait_until" ] || fail "waited in vain for $wait_what"
    done
}

# exchanges LOG: how many commands that token has answered.
exchanges() {
    grep -c '"dir":"command"' "$1" || true
}

# expect_exit CODE COMMAND...: runs it, output to $work/out and $work/err, and compares the exit code.
expect_exit() {
    want=$1
    shift
    got=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" -eq "$want" ] || fail "exit code $got, not $want: $* -- $(cat "$work/err" "$work/out")"
}

# p11 [OPTION...]: pkcs11-tool with our module.
p11() {
    pkcs11-tool --module "$module" "$@"
}

stack_done() {
    printf '%d checks\n' "$stack_checks"
    [ "$stack_checks" -gt 0 ] || fail "the test showed nothing"
    exit 0
}
