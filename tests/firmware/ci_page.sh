#!/bin/sh
# The commands of docs/simulator-in-ci.md work, with a private pcscd in the place of the machine's.
. "$SOURCE/tests/lib/stack.sh"

start_pcscd
page=$SOURCE/docs/simulator-in-ci.md
PATH=$BUILD/firmware-sim:$PATH
export PATH
mkdir "$work/reader"
awk '/^```/ { inside = ($0 == "```sh"); next } inside' "$page" |
    sed "s/127\.0\.0\.1:35963/127.0.0.1:$vpcd_ports/; s|opensc-pkcs11\.so|$opensc_module|g" >"$work/page.sh"
[ -s "$work/page.sh" ] || fail "the page has no commands"
status=0
(cd "$work/reader" && sh -eux ../page.sh) >"$work/page.out" 2>&1 </dev/null || status=$?
[ ! -s "$work/reader/card.pid" ] || kill -TERM "$(cat "$work/reader/card.pid")" 2>/dev/null || true
[ "$status" -eq 0 ] || fail "a command of the page fails: $(tail -n 20 "$work/page.out")"
grep -q 'Verified OK' "$work/page.out" || fail "no signature was verified"
ok "$(wc -l <"$work/page.sh") lines of commands work"
stack_done
