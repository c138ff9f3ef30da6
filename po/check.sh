#!/bin/sh
# Checks that each language has every text of the programs, none of them fuzzy, and formats that fit.
set -eu
cd "$(dirname "$0")"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sh extract.sh "$dir/ingam.pot"
for po in *.po; do
    msgfmt --check -o /dev/null "$po"
    msgcmp "$po" "$dir/ingam.pot"
    [ -z "$(msgattrib --only-fuzzy "$po")" ]
done
printf 'every text is translated\n'
