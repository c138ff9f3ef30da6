#!/bin/sh
# docs/articles.md is whole: every row is there once, says what does it or that nothing can, and each command, page and
# test that it names exists.
# The backquotes are Markdown's.
# shellcheck disable=SC2016
set -eu
. "$SOURCE/tests/lib/stack.sh"
page="$SOURCE/docs/articles.md"

# The rows: letter, first and last number, digits.
for range in 'A 1 18 2' 'B 1 19 2' 'C 1 23 2' 'D 1 27 2' 'E 1 11 2' 'G 1 11 2' 'H 1 23 2' 'J 1 10 2' 'K 1 11 2' 'L 1 3 2' 'M 1 8 1'; do
    # Four words.
    # shellcheck disable=SC2086
    set -- $range
    number=$2
    while [ "$number" -le "$3" ]; do
        row=$(printf "%s%0$4d" "$1" "$number")
        [ "$(grep -c "^| $row |" "$page")" -eq 1 ] || fail "$row is not there once"
        number=$((number + 1))
    done
done
rows=$(grep -cE '^\| [A-Z][0-9]+ \|' "$page")
[ "$rows" -eq 164 ] || fail "$rows rows"
ok "$rows rows"

# What has no test says why; what has one names no other thing in that column.
grep -E '^\| [A-L][0-9]+ \|' "$page" | while IFS= read -r line; do
    tests=$(printf '%s\n' "$line" | awk -F' \\| ' '{ print $4 }' | sed 's/ *|$//')
    case $tests in
    *[a-z]*) ;;
    *) case $line in *'*claim*'* | *'*outside*'*) ;; *) fail "no test: $line" ;; esac ;;
    esac
done
ctest --test-dir "$BUILD" -N | sed -n 's/^ *Test *#[0-9]*: //p' | sort -u >"$work/tests"
grep -E '^\| [A-L][0-9]+ \|' "$page" | awk -F' \\| ' '{ print $4 }' | grep -o '`[^`]*`' | tr -d '`' | sort -u >"$work/named"
while IFS= read -r name; do
    grep -qxF -- "$name" "$work/tests" || fail "no test is called $name"
done <"$work/named"
ok "$(wc -l <"$work/named") tests"

# Commands: the words before the first that is no lower-case word. Their help is asked for.
grep -oE '`ingam(-issuer)? [a-z][^`]*`' "$page" | tr -d '`' | sort -u >"$work/commands"
while IFS= read -r command; do
    # Words.
    # shellcheck disable=SC2086
    set -- $command
    program=$BUILD/tool/$1
    shift
    words=
    for word; do
        case $word in *[!a-z0-9-]*) break ;; esac
        words="$words $word"
    done
    # shellcheck disable=SC2086
    "$program" $words --help >"$work/help" 2>&1 || fail "there is no command '$command'"
done <"$work/commands"
ok "$(wc -l <"$work/commands") commands"

# Pages: what the certificate centre serves, and what its own document lists.
grep -oE '`/[a-z-]*`' "$page" | tr -d '`' | sort -u >"$work/pages"
while IFS= read -r path; do
    [ "$path" = / ] || grep -qF "\`$path\`" "$SOURCE/docs/certificate-centre.md" || fail "$path is not in its document"
done <"$work/pages"
"$issuer" init --dir "$work/desk" --name 'Test CA' >"$work/out"
"$issuer" serve --dir "$work/desk" --listen 127.0.0.1:0 --pages-listen 127.0.0.1:0 --detach --pid-file "$work/pid" >"$work/said"
centre=$(sed -n 's/^pages //p' "$work/said")
while IFS= read -r path; do
    code=$(curl -s -o "$work/body" -w '%{http_code}' "$centre$path")
    case $code in 200 | 302 | 303) ;; *) fail "$path answers $code" ;; esac
done <"$work/pages"
kill "$(cat "$work/pid")"
ok "$(wc -l <"$work/pages") pages"
stack_done
