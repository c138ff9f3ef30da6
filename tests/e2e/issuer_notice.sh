#!/bin/sh
# Notices of certificates near their end: 30, 7 and 1 day before, once each, over restarts, failures and kills.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
desk_init=--test-profile
if [ "${1:-}" = postgres ]; then
    . "$SOURCE/tests/e2e/issuer_postgres_lib.sh"
    postgres_start
    desk_init="$desk_init --db $postgres"
fi
desk_serve
checks_set
customer_add 홍길동 individual 900101-1234568
apply "$customer" joint --class joint
p256 "$work/key.pem"
cmp joint "$work/key.pem" -certout "$work/joint.pem" || fail "$(cat "$work/cmp.out")"
serial=$(serial_of "$work/joint.pem")
stop serve
desk_exit 8 notice send
says 'identity program'

cat >"$work/notice" <<NOTICE
#!/bin/sh
[ "\$1" = notice ] || exit 1
jq -r '"\(.serial) \(.days) \(.name)"' >>"$work/told"
[ ! -e "$work/hang" ] || { echo begun >>"$work/hangs"; sleep 50 & wait; }
[ ! -e "$work/fail" ] || exit 1
echo '{"result":"passed"}'
NOTICE
chmod 700 "$work/notice"
: >"$work/told"
desk_exit 0 identity program --kind notice --program "$work/notice"
# after DAYS COUNT: so many days after the issue, so many notices are sent by one call, and none by the next.
after() {
    export INGAM_ISSUER_CLOCK_OFFSET=$(($1 * 86400))
    desk_exit 0 notice send
    [ "$(value sent)" = "$2" ] || fail "after $1 days: $(cat "$work/out")"
    desk_exit 0 notice send
    [ "$(value sent)" = 0 ] || fail "after $1 days twice: $(cat "$work/out")"
}
after 300 0
after 336 1
after 350 0
after 359 1
# Killed while the program runs: it is told again, an hour later at the earliest.
: >"$work/hang"
export INGAM_ISSUER_CLOCK_OFFSET=$((364 * 86400 + 3600))
"$issuer" notice send --dir "$desk" >/dev/null 2>&1 &
killed=$!
wait_for 20 'the program' test -e "$work/hangs"
kill -KILL "$killed"
wait "$killed" 2>/dev/null || :
rm "$work/hang"
desk_exit 0 notice send
[ "$(value sent)" = 0 ] || fail 'sent while another may be at it'
desk_do notice list --json 2>/dev/null | jq -e '.notices[] | select(.days == 1) | .state == "begun"' >/dev/null || fail 'not begun'
# A desk that serves does it by itself.
export INGAM_ISSUER_CLOCK_OFFSET=$((364 * 86400 + 3600 * 3))
desk_serve
# Called by wait_for.
# shellcheck disable=SC2317
sent() {
    desk_do notice list --json 2>/dev/null | jq -e '[.notices[] | select(.state == "sent")] | length == 3' >/dev/null
}
wait_for 20 'the notice' sent
stop serve
after 366 0
grep -c "$serial 30 홍길동" "$work/told" | grep -qx 1 || fail "$(cat "$work/told")"
grep -c "$serial 7 홍길동" "$work/told" | grep -qx 1 || fail "$(cat "$work/told")"
grep -c "$serial 1 홍길동" "$work/told" | grep -qx 2 || fail "$(cat "$work/told")"
unset INGAM_ISSUER_CLOCK_OFFSET
ok 'once each at 30, 7 and 1 day; a call that was killed is made good; none after the end'

# One that fails is tried three times; one that is revoked, or whose customer has left, is not told of.
desk_serve
apply "$customer" two --class joint
p256 "$work/two.pem"
cmp two "$work/two.pem" -certout "$work/two.crt" || fail "$(cat "$work/cmp.out")"
stop serve
: >"$work/fail"
: >"$work/told"
desk_exit 0 certificate revoke --serial "$serial"
for hour in 1 3 5; do
    INGAM_ISSUER_CLOCK_OFFSET=$((336 * 86400 + hour * 3600)) desk_exit 1 notice send
    says 'could not be sent'
done
INGAM_ISSUER_CLOCK_OFFSET=$((336 * 86400 + 7 * 3600)) desk_exit 0 notice send
[ "$(wc -l <"$work/told")" -eq 3 ] || fail "$(cat "$work/told")"
rm "$work/fail"
desk_exit 0 customer close --customer "$customer"
after 359 0
desk_exit 0 log verify
ok 'failures end after three tries; nobody is told of what is revoked'
stack_done
