#!/bin/sh
# A desk is backed up while it runs and restored, into SQLite and into PostgreSQL; damaged backups are refused.
set -eu
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/e2e/issuer_lib.sh"
. "$SOURCE/tests/e2e/issuer_life_lib.sh"
. "$SOURCE/tests/e2e/issuer_postgres_lib.sh"

desk_init=--test-profile
desk_serve
checks_set
customer_add 홍길동 individual 900101-1234568
apply "$customer" before --class financial
p256 "$work/key.pem"
cmp before "$work/key.pem" -certout "$work/before.pem" || fail "$(cat "$work/cmp.out")"
apply "$customer" open --class joint
open=$reference
expect_exit 0 "$issuer" backup --dir "$desk" --to "$work/backup"
expect_exit 1 "$issuer" backup --dir "$desk" --to "$work/backup"
[ "$(stat -c %a "$work/backup")" = 700 ] || fail 'mode of the backup'
[ "$(stat -c %a "$work/backup/registry.jsonl")" = 600 ] || fail 'mode of the rows'
! grep -q '1234568' "$work/backup/registry.jsonl" || fail 'a resident number is in the backup in the clear'
ok 'a running desk is backed up'

old=$desk
restored() {
    desk_do log verify >/dev/null || fail 'log'
    for noun in customer certificate application; do
        "$issuer" $noun list --dir "$old" >"$work/old"
        desk_do $noun list >"$work/new"
        [ "$(cat "$work/old")" = "$(cat "$work/new")" ] || fail "$noun rows differ"
    done
}
stop serve
rm -f "$work/serve.out"
desk="$work/again"
expect_exit 0 "$issuer" restore --dir "$desk" --from "$work/backup"
expect_exit 1 "$issuer" restore --dir "$desk" --from "$work/backup"
restored
desk_serve
reference=$open
cmp open "$work/key.pem" -certout "$work/after.pem" || fail "$(cat "$work/cmp.out")"
printf '9001011234568\n' >"$work/number"
desk_exit 14 customer add --name other --kind individual --identity-file "$work/number"
stop serve
ok 'the restored desk goes on: open codes, customers, log'

postgres_start
desk="$work/moved"
expect_exit 0 "$issuer" restore --dir "$desk" --from "$work/backup" --db "$postgres"
restored
expect_exit 0 "$issuer" backup --dir "$desk" --to "$work/backup2"
[ "$(sed 's/"mac".*//' "$work/backup/registry.jsonl" | sort | sha256sum)" = \
    "$(sed 's/"mac".*//' "$work/backup2/registry.jsonl" | sort | sha256sum)" ] || fail 'the rows differ after the way through PostgreSQL'
ok 'a registry moves to PostgreSQL, and comes back the same'
expect_exit 1 "$issuer" restore --dir "$work/never" --from "$work/backup" --db "$postgres"
says 'already'
expect_exit 2 "$issuer" restore --dir "$work/never" --from "$work/backup" --db 'postgresql://me:secret@localhost/x'
says 'pgpass'

for damage in 's/홍길동/임꺽정/' "\$d" '5d' 's/"setting"/"sqlite_schema"/' 's/"name":/"n; DROP TABLE log":/'; do
    rm -rf "$work/bad"
    cp -a "$work/backup" "$work/bad"
    sed -i "$damage" "$work/bad/registry.jsonl"
    expect_exit 9 "$issuer" restore --dir "$work/never" --from "$work/bad"
    if [ -e "$work/never" ] || [ -e "$work/never.part" ]; then fail 'a refused restore left something'; fi
done
rm "$work/bad/seal.key"
expect_exit 8 "$issuer" restore --dir "$work/never" --from "$work/bad"
ok 'changed, cut and incomplete backups are refused, and leave nothing'
stack_done
