#!/bin/sh
# The slot of one-time passwords beside foreign programs, through pcscd: they list it without trouble; its codes are
# oathtool's and ykman's; and a counter value is never given twice, wherever the power goes.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
worker="$BUILD/tests/interop/otp_worker"
secret=$(printf 12345678901234567890 | base32 -w 0)
secret_hex=$(printf 12345678901234567890 | od -An -tx1 | tr -d ' \n')
start_pcscd "$yubico_reader"
# shellcheck disable=SC2154
port=${vpcd_ports%% *}
oath() {
    does ykman -r "$yubico_reader 00 00" oath "$@"
}
codes() {
    does "$worker" "$module" "$@"
}

for version in 4 7; do
    profile=yubikey-5.$version
    start_card "token$version" "$port" --profile "$profile"
    # An applet that holds nothing is a token that nobody initialised.
    says 'token state: *uninitialized' p11 -L
    oath accounts add -o HOTP -i RFC -d 6 4226 "$secret"
    oath accounts add -o TOTP -i RFC -d 8 6238 "$secret"
    codes RFC:4226 10
    printf '%s\n' 755224 287082 359152 969429 338314 254676 287922 162583 399871 520489 >"$work/want"
    same "$work/said" "$work/want"
    codes RFC:6238 1 20090213233130
    echo 89005924 >"$work/want"
    same "$work/said" "$work/want"
    # The computer's clock, beside oathtool's and ykman's: the period may end between them.
    codes RFC:6238 1
    now=$(cat "$work/said")
    oathtool --totp -d 8 "$secret_hex" >"$work/clock"
    oath accounts code -s RFC:6238
    [ "$now" = "$(cat "$work/clock")" ] || [ "$now" = "$(oathtool --totp -d 8 -N '30 seconds ago' "$secret_hex")" ] ||
        fail "$profile: $now, oathtool: $(cat "$work/clock")"
    # What one program counts, the other goes on with.
    oath accounts code -s RFC:4226
    [ "$(cat "$work/said")" = "$(oathtool --hotp -c 10 "$secret_hex")" ] || fail "ykman: $(cat "$work/said")"
    codes RFC:4226 1
    [ "$(cat "$work/said")" = "$(oathtool --hotp -c 11 "$secret_hex")" ] || fail "after ykman: $(cat "$work/said")"
    ok "$profile: RFC 4226, RFC 6238, oathtool and ykman agree"

    says "token label *: Ingam [0-9]+ \(OTP\)" p11 -L
    said 'token label *: Ingam [0-9]+$' 'the first slot'
    not_said 'error|CKR_'
    does p11 --slot-index 1 -M
    grep -qiE 'HOTP|0x291|0291' "$work/said" || fail "no CKM_HOTP: $(cat "$work/said")"
    does p11 --slot-index 1 -O
    says 'Label: Ingam [0-9]+ \(OTP\)' p11tool --provider "$module" --list-tokens
    does p11tool --provider "$module" --list-all 'pkcs11:model=OATH'
    does p11-kit list-modules
    cat >"$work/list.py" <<'END'
import sys
import PyKCS11
lib = PyKCS11.PyKCS11Lib()
lib.load(sys.argv[1])
slots = lib.getSlotList(tokenPresent=True)
assert len(slots) == 2, slots
session = lib.openSession(slots[1])
keys = session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_OTP_KEY)])
print(sorted(session.getAttributeValue(k, [PyKCS11.CKA_LABEL])[0] for k in keys))
END
    says "'RFC:4226', 'RFC:6238'" /usr/bin/python3 "$work/list.py" "$module"
    ok "$profile: pkcs11-tool, p11tool and PyKCS11 list it"
    does "$BUILD/tool/ingam" token list
    [ "$(grep -c Ingam "$work/said")" -eq 1 ] || fail "ingam counts it as a token: $(cat "$work/said")"

    if [ "$version" = 4 ]; then # the other has a management key that yubico-piv-tool 2.2 doesn't know
        # libp11 logs in where it finds one token, or where the URI says which.
        does yubico-piv-tool -r Yubico -a generate -s 9e -A ECCP256 -o "$work/9e.pub"
        printf 'openssl_conf=i\n[i]\nengines=e\n[e]\npkcs11=p\n[p]\nengine_id=pkcs11\nMODULE_PATH=%s\ninit=0\n' "$module" \
            >"$work/engine.cnf"
        echo text >"$work/text"
        OPENSSL_CONF="$work/engine.cnf" does openssl dgst -engine pkcs11 -keyform engine -sha256 -out "$work/sig" \
            -sign 'pkcs11:model=PIV;id=%04;type=private;pin-value=123456' "$work/text"
        judge dgst -sha256 -verify "$work/9e.pub" -signature "$work/sig" "$work/text"
        ok "$profile: libp11's engine, by model=PIV"
    fi

    oath access change -n 'correct horse'
    refuses 'find the credential' "$worker" "$module" RFC:4226 1
    OTP_CODE=wrong refuses 'C_Login: 0xa0' "$worker" "$module" RFC:4226 1
    OTP_CODE='correct horse' codes RFC:4226 2
    tail -n 1 "$work/said" >"$work/last"
    [ "$(cat "$work/last")" = "$(oathtool --hotp -c 13 "$secret_hex")" ] || fail "with the code: $(cat "$work/said")"
    # Nothing is left of that login: the card wants the code again.
    refuses - ykman -r "$yubico_reader 00 00" oath accounts list
    ok "$profile: the access code is the slot's PIN, and no other program inherits the login"
    take_out "token$version"
done

# The power goes at a write to the storage, again and again.
rounds=${INGAM_SOAK:+800}
rounds=${rounds:-8}
start_card cut "$port" --profile yubikey-5.7 --control "unix:$work/control"
does ykman -r "$yubico_reader 00 00" oath accounts add -o HOTP -i RFC -d 8 4226 "$secret"
: >"$work/all"
round=0
# The reader may show the card from before the cut for a moment: it is there again when it answers.
# shellcheck disable=SC2317
card_answers() {
    opensc-tool --send-apdu 00:A4:04:00:05:A0:00:00:03:08 2>/dev/null | grep -q 'SW1=0x90'
}
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    "$sim" ctl "unix:$work/control" fault "ins=CALCULATE,times=1,cut=$((1 + (round * 7) % 25))"
    run "$worker" "$module" RFC:4226 25
    grep -E '^[0-9]{8}$' "$work/said" >>"$work/all" || true
    [ "$code" -ne 0 ] || fail "no power cut in round $round"
    "$sim" ctl "unix:$work/control" fault clear
    "$sim" ctl "unix:$work/control" insert
    wait_for 15 'the card after the power cut' card_answers
done
oathtool --hotp -d 8 -c 0 -w $((rounds * 30 + 30)) "$secret_hex" >"$work/sequence"
# Each code is found behind the one before it, and not far from it: values of 8 digits can come again by chance.
awk 'NR == FNR { value[FNR] = $1; next }
    { from = at + 1; while (++at < from + 30 && value[at] != $1); }
    value[at] != $1 { print "out of order: " $1; exit 1 }' "$work/sequence" "$work/all" ||
    fail "a counter value came twice: $(cat "$work/all")"
made=$(wc -l <"$work/all")
[ "$made" -ge "$rounds" ] || fail "only $made codes"
ok "$made codes and $rounds power cuts: no counter value twice"

# A touch is told before it is waited for.
cat >"$work/person" <<END
#!/bin/sh
echo "\$1|\$2" >>"$work/told"
"$sim" ctl "unix:$work/control" touch yes
END
chmod +x "$work/person"
does ykman -r "$yubico_reader 00 00" oath accounts add -t -o TOTP touched "$secret"
"$sim" ctl "unix:$work/control" touch wait
INGAM_TOUCH_NOTIFY="$work/person" codes touched 1 19700101000059
[ "$(cat "$work/said")" = 287082 ] || fail "with a touch: $(cat "$work/said")"
grep -q '^Ingam [0-9]*|touched$' "$work/told" || fail "not told: $(cat "$work/told")"
"$sim" ctl "unix:$work/control" touch no
refuses 'C_Sign: 0x200' "$worker" "$module" touched 1 # CKR_FUNCTION_REJECTED
ok 'a touch is told of before it is waited for; one that does not come is CKR_FUNCTION_REJECTED'
session_done
