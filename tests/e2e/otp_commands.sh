#!/bin/sh
# ingam otp through pcscd: codes are those of oathtool and of ykman, whatever way a credential came onto the token.
#   otp_commands.sh PROFILE
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_lib.sh
. "$SOURCE/tests/e2e/tool_lib.sh"
reader='Yubico YubiKey CCID'
tty="$BUILD/tests/e2e/tool_on_tty"
start_pcscd "$reader"
start_card token "${vpcd_ports%% *}" --profile "$1" --serial 4242 --control "unix:$work/control" --touch yes,wait
otp() {
    wanted=$1
    shift
    expect_exit "$wanted" "$ingam" otp "$@"
}
ykman_oath() {
    ykman -r "$reader 00 00" oath "$@" 2>>"$work/ykman.err"
}
# The secrets of RFC 4226, appendix D, and RFC 6238, appendix B, are these digits repeated.
secret_of() {
    case $1 in sha1) length=20 ;; sha256) length=32 ;; sha512) length=64 ;; esac
    printf '%.*s' "$length" 1234567890123456789012345678901234567890123456789012345678901234 | base32 -w 0 | tr -d =
}
for hash in sha1 sha256 sha512; do
    secret_of "$hash" >"$work/$hash"
done

# RFC 6238, appendix B.
for hash in sha1 sha256 sha512; do
    otp 0 add "RFC:$hash" --algorithm "$hash" --digits 8 --secret-file "$work/$hash"
done
while read -r moment values; do
    # The values are words, to be split.
    # shellcheck disable=SC2086
    set -- $values
    for hash in sha1 sha256 sha512; do
        otp 0 code "RFC:$hash" --at "$moment"
        [ "$(cat "$work/out")" = "$1" ] || fail "$hash at $moment: $(cat "$work/out"), not $1"
        shift
    done
done <<END
59 94287082 46119246 90693936
1111111109 07081804 68084774 25091201
1111111111 14050471 67062674 99943326
1234567890 89005924 91819424 93441116
2000000000 69279037 90698825 38618901
20000000000 65353130 77737706 47863826
END
ok 'TOTP: the values of RFC 6238'

# RFC 4226, appendix D.
otp 0 add counted --type hotp --secret-file "$work/sha1"
for value in 755224 287082 359152 969429 338314 254676 287922 162583 399871 520489; do
    otp 0 code counted
    [ "$(cat "$work/out")" = "$value" ] || fail "HOTP: $(cat "$work/out"), not $value"
done
otp 0 code
grep -q "counted	-	hotp" "$work/out" || fail "$(cat "$work/out")"
[ "$(ykman_oath accounts code -s counted)" = "$(oathtool --hotp -c 10 -b "$(secret_of sha1)")" ] ||
    fail 'a list of all codes used up one of the counter'
ok 'HOTP: the values of RFC 4226; listing all makes none'

# By URI: on standard input, in a file, percent-encoded, with everything said.
printf 'otpauth://totp/%%EC%%9D%%80%%ED%%96%%89:person%%40example.kr?secret=%s&issuer=%%EC%%9D%%80%%ED%%96%%89&algorithm=SHA256&digits=7&period=60&image=x' \
    "$(secret_of sha256)" | "$ingam" otp add --uri-file - 2>"$work/err" || fail "$(cat "$work/err")"
printf 'otpauth://hotp/Late?secret=%s&counter=7&digits=8\n' "$(secret_of sha1)" >"$work/uri"
otp 0 add --uri-file "$work/uri"
otp 0 list --json
jq -e '.schema == 1 and (.credentials | length) == 6 and
    (.credentials[] | select(.issuer == "은행") | .account == "person@example.kr" and .period == 60 and .algorithm == "SHA256")' \
    "$work/out" >/dev/null || fail "$(cat "$work/out")"
otp 0 code 은행 --at 1234567890
[ "$(cat "$work/out")" = "$(oathtool --totp=sha256 -d 7 -s 60s -N @1234567890 -b "$(secret_of sha256)")" ] || fail 'a period of 60'
[ "$("$ingam" otp code Late 2>/dev/null)" = "$(oathtool --hotp -d 8 -c 7 -b "$(secret_of sha1)")" ] || fail 'the counter of the URI'
otp 0 code --json --at 1234567890
jq -e '.codes[] | select(.account == "person@example.kr") | .seconds_left == 30 and .valid_until == 1234567920' "$work/out" >/dev/null ||
    fail "$(cat "$work/out")"
jq -e '.codes[] | select(.account == "sha1") | .code == "89005924"' "$work/out" >/dev/null || fail "$(cat "$work/out")"
ykman_oath accounts list >"$work/theirs"
grep -q '은행:person@example.kr' "$work/theirs" || fail "ykman lists $(cat "$work/theirs")"
ok 'by URI, with issuer and account in Korean; --json; ykman sees the same'

# At the same moment ykman and we say the same (or one of the two asked a period later).
for _ in 1 2 3; do
    ours=$("$ingam" otp code RFC:sha256 2>/dev/null)
    theirs=$(ykman_oath accounts code -s RFC:sha256)
    [ "$ours" != "$theirs" ] || break
done
[ "$ours" = "$theirs" ] || fail "ours: $ours, ykman's: $theirs"
ok "codes of now are ykman's"

# A picture on the terminal, read back by zbar from a second token's point of view.
expect_exit 0 "$tty" -- "$ingam" otp add 'Phone:a b&c' --generate --qr --type hotp
cp "$work/out" "$work/screen"
python3 "$SOURCE/tests/e2e/otp_screen.py" "$work/screen" "$work/code.png"
otp 0 add 'Copy:of it' --picture-file "$work/code.png"
[ "$("$ingam" otp code Phone:a 2>/dev/null)" = "$("$ingam" otp code Copy 2>/dev/null)" ] || fail 'the picture holds another secret'
LC_ALL=C expect_exit 0 "$tty" -- "$ingam" otp add Plain --secret-file "$work/sha1" --qr
cp "$work/out" "$work/screen"
python3 "$SOURCE/tests/e2e/otp_screen.py" "$work/screen" "$work/code.png"
otp 0 add 'Plain:copy' --picture-file "$work/code.png"
otp 2 add Other --generate --qr
says 'no terminal'
expect_exit 0 "$tty" "$(secret_of sha1)" -- "$ingam" otp add Typed
! grep -q "$(secret_of sha1)" "$work/out" || fail 'the secret was shown'
[ "$("$ingam" otp code Typed --at 59 2>/dev/null)" = 287082 ] || fail 'the typed secret is another'
otp 0 delete Typed --yes
ok 'a generated secret as a QR code on the terminal, and from a picture onto the token'

# What is not a code.
printf 'nonsense' >"$work/none.png"
otp 2 add --picture-file "$work/none.png"
says 'no PNG picture'
otp 2 add --picture-file "$work/missing.png"
python3 "$SOURCE/tests/e2e/otp_screen.py" --blank 300 "$work/blank.png"
otp 2 add --picture-file "$work/blank.png"
says 'no QR code in it'
python3 "$SOURCE/tests/e2e/otp_screen.py" --blank 5000 "$work/large.png"
otp 2 add --picture-file "$work/large.png"
says 'too large'
head -c 400 "$work/code.png" >"$work/cut.png"
otp 2 add --picture-file "$work/cut.png"
otp 2 add --picture-file /dev/zero
good="secret=$(secret_of sha1)"
for uri in '' 'https://example.kr' 'otpauth://totp' 'otpauth://motp/a?' "otpauth://totp/?$good" "otpauth://totp/a?issuer=b" \
    "otpauth://totp/a?secret=1" "otpauth://totp/a?$good&digits=9" "otpauth://totp/a?$good&digits=" "otpauth://totp/a?$good&period=0" \
    "otpauth://totp/a?$good&algorithm=MD5" "otpauth://hotp/a?$good&counter=99999999999" "otpauth://totp/a%0?$good" \
    "otpauth://totp/a%00b?$good" "otpauth://totp/a%1Bb?$good" "otpauth://totp/%FF?$good" "otpauth://totp/a?$good&$good" \
    "otpauth://totp/$(printf '%065d' 1)?$good" "otpauth://totp/a?$good&x=$(printf '%01000d' 1)"; do
    printf '%s\n' "$uri" >"$work/uri"
    otp 2 add --uri-file "$work/uri"
    ! grep -q "$(secret_of sha1)" "$work/err" || fail 'a secret is repeated'
done
printf 'otpauth://totp/long?algorithm=SHA512&secret=%s' "$(head -c 65 /dev/zero | base32 -w 0)" >"$work/uri"
otp 7 add --uri-file "$work/uri"
# A long key is hashed first (RFC 2104).
head -c 100 /dev/zero | base32 -w 0 | tr -d = >"$work/long"
otp 0 add long --secret-file "$work/long"
[ "$("$ingam" otp code long --at 59 2>/dev/null)" = "$(oathtool --totp -N @59 -b "$(cat "$work/long")")" ] || fail 'a long secret'
otp 2 add RFC:other --secret-file "$work/sha1" --generate
otp 2 add RFC:other --secret-file "$work/sha1" --counter 1
otp 2 add RFC:other --secret-file "$work/sha1" --algorithm md5
otp 2 add --secret-file "$work/sha1"
otp 2 add RFC:other
otp 2 code RFC:sha1 --at yesterday
ok 'URIs, pictures and options that are wrong: exit 2, nothing repeated'

# Names.
otp 8 code nobody
otp 2 code RFC
says 'fits several'
otp 9 add RFC:sha1 --secret-file "$work/sha1"
says 'already'
otp 2 add RFC:sha1 --secret-file "$work/sha1" --replace
otp 0 add RFC:sha1 --secret-file "$work/sha1" --digits 8 --replace --yes
otp 9 rename RFC:sha1 RFC:sha256
otp 0 rename RFC:sha1 Renamed:one
otp 0 code Renamed --at 59
[ "$(cat "$work/out")" = 94287082 ] || fail 'renamed is another'
otp 0 rename 은행 새은행:사람
otp 0 code 새은행 --at 1234567890 # its period stays 60
[ "$(cat "$work/out")" = "$(oathtool --totp=sha256 -d 7 -s 60s -N @1234567890 -b "$(secret_of sha256)")" ] || fail 'the period was lost'
otp 2 delete Renamed:one
says 'add --yes'
expect_exit 130 "$tty" no -- "$ingam" otp delete Renamed:one
expect_exit 0 "$tty" 4242 -- "$ingam" otp delete Renamed:one
otp 8 code Renamed:one
otp 0 delete Plain:copy --yes
ok 'found by name, renamed, deleted when the serial number is typed; nothing is written over'

# A touch.
otp 0 add touched --secret-file "$work/sha1" --touch
otp 0 add 'touched:counter' --type hotp --secret-file "$work/sha1" --touch
otp 0 code
grep -q 'touched	-	touch' "$work/out" || fail "$(cat "$work/out")"
otp 0 code touched --at 59 --json
says 'Touch the token now'
jq -e '.codes[0].touch and .codes[0].code == "287082"' "$work/out" >/dev/null || fail "$(cat "$work/out")"
: >"$work/code.err"
"$ingam" otp code touched:counter >"$work/code" 2>"$work/code.err" &
asked=$!
wait_for 10 'the tool to ask for a touch' grep -q 'Touch the token now' "$work/code.err"
"$sim" ctl "unix:$work/control" touch yes
wait "$asked" || fail "$(cat "$work/code.err")"
[ "$(cat "$work/code")" = 755224 ] || fail "the touched code: $(cat "$work/code")"
"$sim" ctl "unix:$work/control" touch no
otp 12 code touched
ok 'a touch is asked for before it is waited for; without it exit 12'

# The access code.
printf 'correct horse\n' >"$work/access"
printf 'battery staple\n' >"$work/access2"
otp 2 access set extra
otp 2 access
otp 4 access set
expect_exit 4 "$tty" one two -- "$ingam" otp access set
otp 2 access change --new-access-file "$work/access"
otp 0 access set --new-access-file "$work/access"
otp 4 list
says 'no terminal'
otp 4 list --access-file "$work/access2"
says 'not accepted'
otp 0 list --access-file "$work/access"
[ "$(ykman_oath accounts list -p 'correct horse' | wc -l)" -eq "$(wc -l <"$work/out")" ] || fail 'ykman has another code'
otp 2 access set --access-file "$work/access" --new-access-file "$work/access2"
expect_exit 0 "$tty" 'battery staple' 'battery staple' 'correct horse' -- "$ingam" otp access change
! grep -q 'correct\|battery' "$work/out" || fail 'an access code was shown'
expect_exit 4 "$tty" 'correct horse' -- "$ingam" otp code counted
"$ingam" otp code RFC:sha256 --at 59 --access-fd 0 <"$work/access2" >"$work/out" 2>"$work/err" || fail "$(cat "$work/err")"
[ "$(cat "$work/out")" = 46119246 ] || fail "$(cat "$work/out")"
expect_exit 0 "$tty" 'battery staple' 4242 -- "$ingam" otp delete touched:counter
otp 0 access remove --access-file "$work/access2"
otp 0 list
ok 'the access code: set, demanded, wrong one exit 4, changed, removed; never shown'

# Choosing the token; exchanges.
otp 0 code RFC:sha256 --at 59 --token 4242
otp 3 code RFC:sha256 --token 4243
before=$(exchanges "$work/token.log")
otp 0 code RFC:sha256 --at 59
[ $(($(exchanges "$work/token.log") - before)) -le 4 ] || fail "a code took $(($(exchanges "$work/token.log") - before)) exchanges"
ok 'chosen by serial number; a code costs SELECT and one list of codes'

otp 0 access set --new-access-file "$work/access"
otp 2 reset
expect_exit 0 "$tty" 4242 -- "$ingam" otp reset
otp 0 list
[ ! -s "$work/out" ] || fail "after the reset: $(cat "$work/out")"
says 'no one-time passwords'
ok 'reset without the access code'

# No room.
number=0
while [ $number -lt 64 ]; do
    number=$((number + 1))
    got=0
    "$ingam" otp add "full:$number" --secret-file "$work/sha1" >/dev/null 2>"$work/err" || got=$?
    [ $got -eq 0 ] || break
done
if [ $got -eq 0 ]; then
    otp 7 add full:last --secret-file "$work/sha1"
else
    [ $got -eq 7 ] || fail "a full token: exit code $got"
fi
says 'no room left'
[ "$("$ingam" otp list 2>/dev/null | wc -l)" -ge 32 ] || fail 'the full token lost some'
ok "a full token says so after $("$ingam" otp list 2>/dev/null | wc -l)"
! grep -q "$(secret_of sha1)" "$work/token.log" || fail 'a secret is in the log'

stop token
otp 3 list
says 'No token'
stack_cards=0
start_card plain "${vpcd_ports%% *}" --serial 3
otp 7 list
says 'no OATH applet'
ok 'no token: exit 3; a card without the applet: exit 7'

start_sim one --profile yubikey-5.4 --serial 1
start_sim two --profile yubikey-5.4 --serial 2
otp 3 list
says 'Several tokens'
otp 0 add chosen --secret-file "$work/sha1" --token 2
otp 0 list --token 2
grep -q chosen "$work/out" || fail "$(cat "$work/out")"
otp 0 list --token 1
[ ! -s "$work/out" ] || fail 'it went to the other token'
ok 'of several tokens one has to be chosen'
stack_done
