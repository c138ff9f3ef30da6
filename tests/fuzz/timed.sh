#!/bin/sh
# Runs a libFuzzer target for some seconds; for ten minutes with INGAM_SOAK=1.
#   sh timed.sh SECONDS PROGRAM [ARGUMENT...]
set -eu
seconds=$1 program=$2
shift 2
case ${INGAM_SOAK:-0} in
0) ;;
*) seconds=600 ;;
esac
exec "$program" "-max_total_time=$seconds" "$@"
