#!/bin/sh
# The figures, by hand on a quiet machine: builds, then runs every benchmark of this folder.
#   sh tests/bench/run.sh
set -eu
cd "$(dirname "$0")/../.."
cmake -B build -G Ninja . >/dev/null
cmake --build build
for bench in tests/bench/*.sh; do
    [ "$bench" != tests/bench/run.sh ] || continue
    printf '== %s\n' "$bench"
    BUILD=$PWD/build SOURCE=$PWD BENCH_MS=5000 BENCH_LEAST=0.8 BENCH_TOKENS=1000 sh "$bench"
done
