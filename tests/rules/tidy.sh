#!/bin/sh
# Every C file is clean under clang-tidy with the project's .clang-tidy. A file that was clean is looked at again only
# when it, a header of the project or the settings have changed. The static analyser follows each function's paths as
# far as a tenth of what it would (that finds nearly all, in a quarter of the time), and all the way with INGAM_SOAK.
set -eu
cd "${SOURCE:?}"
known=$BUILD/tidy
mkdir -p "$known"
nodes=20000
[ -z "${INGAM_SOAK:-}" ] || nodes=225000
export BUILD nodes
headers=$(find pkcs11 tool firmware-sim -name '*.h' -exec sha256sum {} + | cat - .clang-tidy "$0" | sha256sum | cut -c1-32)$nodes

# Only what the build compiles; the names have no blanks in them.
# shellcheck disable=SC2016 # for the inner shell
find pkcs11 tool firmware-sim -name '*.c' | while read -r file; do
    grep -q "\"$PWD/$file\"" "$BUILD/compile_commands.json" || continue
    stamp=$known/$(printf '%s %s' "$headers" "$file" | cat - "$file" | sha256sum | cut -c1-32)
    [ -e "$stamp" ] || printf '%s %s\n' "$file" "$stamp"
done | xargs -r -P "$(nproc)" -L 1 sh -c 'clang-tidy -p "$BUILD" --quiet \
    --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes="$nodes" "$0" 2>/dev/null && : >"$1"'
