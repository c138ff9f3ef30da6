#!/bin/sh
# A scene with a real browser, a simulated card and a pcscd of its own: browser.sh SCENE.py WORD...
#
# To tell the drivers' faults from the module's, INGAM_BROWSER_MODULE names another module for the same card; "softhsm"
# takes SoftHSM for both. INGAM_LOG is passed on.
other=${INGAM_BROWSER_MODULE:-} trace=${INGAM_LOG:-}
. "$SOURCE/tests/lib/stack.sh"
[ -z "$trace" ] || export INGAM_LOG="$trace" INGAM_LOG_AREAS=all
start_pcscd "Virtual PCD"
export WORK="$work" MODULE="${other:-$module}"
# shellcheck disable=SC2154
export VPCD_PORT="${vpcd_ports%% *}" PCSCD_PID="$pcscd_pid"
# namespace COMMAND...: with a mount namespace of its own where that is to be had, else not at all: code 77.
namespace() {
    for way in -m -rm; do
        if unshare "$way" true 2>/dev/null; then
            exec unshare "$way" "$@"
        fi
    done
    printf 'skipped: this system lets nobody have a mount namespace, and the commands write to /etc\n'
    exit 77
}
scene=$1
shift
# In the background, so that a signal to this script ends the scene too.
export PYTHONDONTWRITEBYTECODE=1
if [ "$*" = everybody ]; then
    namespace /usr/bin/python3 "$SOURCE/tests/browser/$scene" "$@" &
else
    /usr/bin/python3 "$SOURCE/tests/browser/$scene" "$@" &
fi
stack_pids="$! $stack_pids"
wait "$!"
