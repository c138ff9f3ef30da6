#!/bin/sh
# Line coverage of pkcs11/ by its tests and the fuzz targets, per room; no threshold, the figures are for reading. Of
# the foreign programs those are run that take seconds.
#   sh tests/coverage.sh [BUILD-DIRECTORY]      (default: build-coverage)
# The rest of the tests' needs (tool/packages.sh) and Debian's llvm-14 have to be there.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-build-coverage}
for tool in llvm-profdata-14 llvm-cov-14 jq; do
    command -v "$tool" >/dev/null || {
        printf '%s is missing (packages llvm-14, jq)\n' "$tool" >&2
        exit 2
    }
done

# build DIRECTORY TARGETS OPTION...: clang's source coverage, configured and built.
build() {
    tree=$1 targets=$2
    shift 2
    cmake -B "$tree" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS='-fprofile-instr-generate -fcoverage-mapping' "$@" . >/dev/null
    # The targets are words, to be split.
    # shellcheck disable=SC2086
    cmake --build "$tree" --target $targets >"$tree/build.log" 2>&1 || {
        tail -n 30 "$tree/build.log" >&2
        exit 1
    }
}
build "$dir" all
build "$dir/fuzz" 'fuzz-card-replies fuzz-module-card' -DINGAM_SANITIZE=address -DINGAM_FUZZ=ON
dir=$(cd "$dir" && pwd)
rm -rf "$dir/profiles"
mkdir "$dir/profiles"

# Each program and each process writes its counts; what they found wrong is ctest's business, not ours. The short
# counts of the tests are enough here, and what is not done after 20 minutes is left out.
unset INGAM_SOAK
LLVM_PROFILE_FILE="$dir/profiles/%m-%p.profraw"
export LLVM_PROFILE_FILE
others='issuer|npki|quickstart|[.]tool_|cmp|firmware|model[.]|sim-|docs|bench|pin-scenarios|hotplug'
ctest --test-dir "$dir" -L '^(unit|card|e2e|interop)$' -E "$others" -j "$(nproc)" \
    --stop-time "$(date -d '20 minutes' +%T)" >"$dir/tests.log" 2>&1 ||
    printf 'some tests failed here, see %s/tests.log\n' "$dir" >&2
ctest --test-dir "$dir/fuzz" -R 'fuzz-(card-replies|module-card)' >"$dir/fuzz.log" 2>&1 ||
    printf 'a fuzz target failed, see %s/fuzz.log\n' "$dir" >&2

find "$dir/profiles" -name '*.profraw' -size +0 >"$dir/profiles/list"
llvm-profdata-14 merge -sparse -failure-mode=all -f "$dir/profiles/list" -o "$dir/profiles/all.profdata"

set -- "$dir/pkcs11/ingam-pkcs11.so"
for program in "$dir"/tests/card/card-* "$dir"/tests/unit/* "$dir"/fuzz/tests/fuzz/fuzz-*; do
    [ -f "$program" ] && [ -x "$program" ] && set -- "$@" -object "$program"
done
llvm-cov-14 export -summary-only -instr-profile="$dir/profiles/all.profdata" "$@" pkcs11 2>/dev/null >"$dir/summary.json"
jq -r --arg top "$PWD/" '
    [.data[0].files[] | {file: (.filename | ltrimstr($top)), all: .summary.lines.count, hit: .summary.lines.covered}
     | select(.file | test("\\.c$") and (test("script\\.c$") | not))
     | .room = (.file | split("/") | if .[1] == "card" and length > 3 then .[0:3] else .[0:2] end | join("/"))]
    | (group_by(.room)[] | [.[0].room, (map(.hit) | add), (map(.all) | add)]),
      ["pkcs11 altogether", (map(.hit) | add), (map(.all) | add)]
    | "\(.[0])\t\(.[1])/\(.[2])\t\(.[1] * 1000 / .[2] | floor / 10) %"' "$dir/summary.json" | expand -t 24,38
