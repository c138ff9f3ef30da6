#!/bin/sh
# Runs every ```sh block of a documentation page, in order, as one script in a directory of its own.
#   run_blocks.sh PAGE
. "$SOURCE/tests/lib/stack.sh"

page=$SOURCE/docs/$1
PATH=$BUILD/tool:$BUILD/firmware-sim:$PATH
MODULE=$module
export PATH MODULE
mkdir "$work/reader"
# A page names a port; here it gets one that nobody else has, below those that the system hands out.
port=$(shuf -i 12000-31000 -n 1)
awk '/^```/ { inside = ($0 == "```sh"); next } inside' "$page" |
    sed "s/127\.0\.0\.1:8829/127.0.0.1:$port/g" >"$work/page.sh"
[ -s "$work/page.sh" ] || fail "$1 has no commands"
# What a page starts in the background it names by a file *.pid.
status=0
(cd "$work/reader" && sh -eux ../page.sh) >"$work/page.out" 2>&1 </dev/null || status=$?
for file in "$work"/reader/*.pid; do
    [ ! -s "$file" ] || kill -TERM "$(cat "$file")" 2>/dev/null || true
done
[ "$status" -eq 0 ] || fail "a command of docs/$1 fails: $(tail -n 15 "$work/page.out")"
ok "docs/$1: $(wc -l <"$work/page.sh") lines of commands work"
stack_done
