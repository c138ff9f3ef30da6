#!/bin/sh
# Every C file is clean under clang-tidy with the project's .clang-tidy. A file that was clean is looked at again only
# when it, a header of the project or the settings have changed.
set -eu
cd "${SOURCE:?}"
known=$BUILD/tidy
mkdir -p "$known"
headers=$(find pkcs11 tool firmware-sim -name '*.h' -exec sha256sum {} + | cat - .clang-tidy | sha256sum | cut -c1-32)

export BUILD
# Only what the build compiles; the names have no blanks in them.
# shellcheck disable=SC2016 # for the inner shell
find pkcs11 tool firmware-sim -name '*.c' | while read -r file; do
    grep -q "\"$PWD/$file\"" "$BUILD/compile_commands.json" || continue
    stamp=$known/$(printf '%s %s' "$headers" "$file" | cat - "$file" | sha256sum | cut -c1-32)
    [ -e "$stamp" ] || printf '%s %s\n' "$file" "$stamp"
done | xargs -r -P "$(nproc)" -L 1 sh -c 'clang-tidy -p "$BUILD" --quiet "$0" 2>/dev/null && : >"$1"'
