#!/bin/sh
# A key that wants a touch: a program of the user's is told of it, with the token's and the key's name, and ended when the
# wait is over; whatever it does, the signature comes.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
pin=$default_pin
XDG_RUNTIME_DIR=$(mktemp -d "$work/run.XXXX") && export XDG_RUNTIME_DIR
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
start_card token "${vpcd_ports%% *}" --profile yubikey-5.4 --control "unix:$work/control"
for slot in 9a:always 9d:cached 9e:never; do
    does yubico-piv-tool -r Yubico -a generate -s "${slot%%:*}" -A ECCP256 --touch-policy="${slot#*:}" -o "$work/${slot%%:*}.pub"
done
printf 'a text\n' >"$work/text"
judge dgst -sha256 -binary -out "$work/digest" "$work/text"
ctl() {
    "$sim" ctl "unix:$work/control" "$@"
}
# The person: a program that is told, and touches.
cat >"$work/person" <<END
#!/bin/sh
trap 'echo over >>"$work/told"; exit 0' TERM
echo "told \$# \$1|\$2" >>"$work/told"
"$sim" ctl "unix:$work/control" touch yes
while :; do sleep 0.05; done
END
# One that doesn't want to end, and says who it is.
cat >"$work/stubborn" <<END
#!/bin/sh
trap '' TERM
echo "\$\$" >"$work/stubborn.pid"
"$sim" ctl "unix:$work/control" touch yes
exec sleep 100
END
chmod +x "$work/person" "$work/stubborn"
sign() {
    does p11 --login --pin "$pin" --sign --id "$1" -m ECDSA --signature-format openssl -i "$work/digest" -o "$work/sig"
    judge pkeyutl -verify -pubin -inkey "$work/$2.pub" -sigfile "$work/sig" -in "$work/digest"
}

ctl touch wait
export INGAM_TOUCH_NOTIFY="$work/person" INGAM_LOG="$work/trace"
: >"$work/told"
sign 01 9a
printf 'told 2 Ingam %s|PIV Authentication\nover\n' "$(token_serial)" >"$work/want"
wait_for 5 'the program to hear that the wait is over' grep -q over "$work/told"
same "$work/told" "$work/want"
grep -q "'PIV Authentication' may wait for a touch" "$work/trace" || fail 'the trace says nothing of it'
: >"$work/told"
ctl touch wait
ctl later 20 # the touch before is forgotten
sign 03 9d
grep -q '|Key Management$' "$work/told" || fail "not told: $(cat "$work/told")"
ok 'told of both policies, by name, and the finger that it moves lets the signature go on'

: >"$work/told"
sign 04 9e
[ ! -s "$work/told" ] || fail "told of a key that wants no touch: $(cat "$work/told")"
ok 'not told of a key that wants none'

ctl touch wait
export INGAM_TOUCH_NOTIFY="$work/stubborn"
before=$(date +%s%N)
sign 01 9a
took=$((($(date +%s%N) - before) / 1000000))
[ "$took" -lt 5000 ] || fail "held up for $took ms"
! kill -0 "$(cat "$work/stubborn.pid")" 2>/dev/null || fail 'the program is still there'
ok "one that does not end is ended ($took ms with the signature)"

ctl touch yes
for program in /nowhere/at/all relative/path; do
    export INGAM_TOUCH_NOTIFY="$program"
    sign 01 9a
done
grep -q "touch-notify: /nowhere/at/all can't be started" "$work/trace" || fail 'the trace says nothing of a program that is missing'
! grep -q "relative/path" "$work/trace" || fail 'a relative path was tried'
ok 'without the program the signature comes as well'
session_done
