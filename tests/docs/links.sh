#!/bin/sh
# Every relative link in README.md and docs/ leads to a file of the project.
set -eu
cd "${1:-$SOURCE}"
links=0 broken=0
for page in README.md CHANGELOG.md docs/*.md; do
    # The links have no blanks in them.
    for target in $(grep -o '](\([^)#]*\)' "$page" | sed 's/^](//' | grep -v '^[a-z]*:' || true); do
        links=$((links + 1))
        if [ ! -e "$(dirname "$page")/$target" ]; then
            printf '%s: %s is not there\n' "$page" "$target"
            broken=$((broken + 1))
        fi
    done
done
printf '%d links, %d broken\n' "$links" "$broken"
[ "$links" -gt 0 ] && [ "$broken" -eq 0 ]
