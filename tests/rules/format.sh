#!/bin/sh
# Every C file is as clang-format 14 with the project's settings leaves it.
set -eu
cd "${1:-$SOURCE}"
find pkcs11 tool firmware-sim tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
