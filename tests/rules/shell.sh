#!/bin/sh
# Every shell script passes shellcheck.
set -eu
cd "${1:-$SOURCE}"
find tests tool .ci -name '*.sh' -print0 | xargs -0 shellcheck -S style
shellcheck .ci/run
