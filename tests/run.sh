#!/bin/sh
# Installs what is missing, builds everything and runs every test.
#   sh tests/run.sh                 the full run with reduced counts, under 15 minutes
#   sh tests/run.sh --soak          the long figures as well, then coverage and benchmarks: some hours
#   sh tests/run.sh --card SERIAL   the opt-in run on a real token; each destructive step is confirmed
set -eu
cd "$(dirname "$0")/.."
. tool/packages.sh

usage() {
    printf 'usage: sh tests/run.sh [--soak | --card SERIAL]\n' >&2
    exit 2
}
soak=0
case ${1:-} in
'') ;;
--soak) soak=1 ;;
--card)
    [ $# -eq 2 ] || usage
    packages_install build tests
    cmake -B build -G Ninja . >/dev/null
    cmake --build build
    BUILD=$PWD/build SOURCE=$PWD exec sh tests/e2e/real_card.sh "$2"
    ;;
*) usage ;;
esac

say() {
    printf '\n== %s\n' "$*"
}

say 'packages'
packages_install build tests

# Many tests wait for other programs, so a few more than there are processors.
jobs=$(($(nproc) * 3 / 2))
[ "$soak" -eq 0 ] || export INGAM_SOAK=1

# tree DIR OPTION...: configures (anew when the checkout was moved) and builds.
tree() {
    dir=$1
    shift
    if [ -f "$dir/CMakeCache.txt" ] && ! grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$dir/CMakeCache.txt"; then
        rm -rf "$dir"
    fi
    cmake -B "$dir" -G Ninja "$@" . >/dev/null
    cmake --build "$dir"
}

say 'build (gcc)'
tree build -DINGAM_TESTS=ON
say 'build (clang, address and undefined behaviour sanitizers, fuzz targets)'
tree build-asan -DCMAKE_C_COMPILER=clang -DINGAM_SANITIZE=address,undefined -DINGAM_FUZZ=ON
say 'build (clang, thread sanitizer)'
tree build-tsan -DCMAKE_C_COMPILER=clang -DINGAM_SANITIZE=thread

failed=
run() {
    say "tests ($1)"
    tests_dir=$1
    shift
    ctest --test-dir "$tests_dir" --output-on-failure --no-tests=error -j "$jobs" "$@" || failed="$failed $tests_dir"
}
run build
run build-asan
run build-tsan -L thread

# With the long figures: how much of the module all this reaches, and what it costs. Nothing else runs meanwhile.
if [ "$soak" -eq 1 ]; then
    say 'line coverage of pkcs11/'
    sh tests/coverage.sh || failed="$failed coverage"
    say 'benchmarks'
    sh tests/bench/run.sh || failed="$failed bench"
fi

if [ -n "$failed" ]; then
    printf '\nfailed in:%s\n' "$failed"
    exit 1
fi
printf '\nall tests passed\n'
