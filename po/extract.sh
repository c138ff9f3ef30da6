#!/bin/sh
# Collects the texts to translate. sh po/extract.sh POT: writes the template; without an argument: merges into ko.po.
set -eu
cd "$(dirname "$0")/.."
pot=${1:-$(mktemp)}
# shellcheck disable=SC2046
xgettext --from-code=UTF-8 -k_ -kN_ --no-wrap --sort-output --no-location --package-name=ingam -o "$pot" \
    $(find tool -name '*.[ch]' | LC_ALL=C sort)
if [ $# -eq 0 ]; then
    msgmerge --quiet --no-wrap --sort-output --no-location --update --backup=none po/ko.po "$pot"
    rm -f "$pot"
fi
