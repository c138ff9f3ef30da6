#!/bin/sh
# Counts, from the simulator's log, the exchanges that a program's usual steps cost: our module beside its peers, on
# the same token in the same run. Ours must not pass its budget.
. "$SOURCE/tests/lib/stack.sh"

# ykcs11 looks only into readers with this name.
start_pcscd 'Yubico YubiKey CCID'
start_card card "$vpcd_ports" --profile "${PROFILE:-piv}"
start_desk
printf '123456\n' >"$work/pin"
export TOKEN_PIN=123456
for slot in 9a:rsa2048 9c:p256 9d:p256 9e:p256; do
    entitle Holder "/C=KR/O=Ingam/CN=Holder ${slot%%:*}" "$work/code.${slot%%:*}"
    expect_exit 0 "$ingam" issue --slot "${slot%%:*}" --issuer "$url" --reference "$reference" \
        --code-file "$work/code.${slot%%:*}" --key-type "${slot##*:}" --pin-file "$work/pin" --default-admin
done

# count MODULE OPTION...: exchanges of that pkcs11-tool run, or "fails"
count() {
    before=$(exchanges "$work/card.log")
    with=$1
    shift
    if pkcs11-tool --module "$with" "$@" >"$work/tool.out" 2>&1 </dev/null; then
        echo $(($(exchanges "$work/card.log") - before))
    else
        echo fails
    fi
}
head -c 100 /dev/urandom >"$work/data"
row() {
    what=$1 budget=$2
    shift 2
    ours=$(count "$module" "$@")
    printf '%-44s %7s %7s %7s %7s\n' "$what" "$ours" "$(count "$opensc_module" "$@")" "$(count "$ykcs11_module" "$@")" "$budget"
    [ "$ours" != fails ] || fail "$what: $(cat "$work/tool.out")"
    [ "$ours" -gt 0 ] || fail "$what: nothing counted"
    [ "$ours" -le "$budget" ] || fail "$what costs $ours exchanges, more than $budget"
    ok "$what: $ours exchanges"
}
printf '%-44s %7s %7s %7s %7s\n' 'exchanges of' ours OpenSC ykcs11 budget
row 'pkcs11-tool -L' 3 -L
row 'pkcs11-tool -O, 4 certificates' "${BUDGET_O:-8}" -O
row 'cold --login --sign, RSA-2048 (isolated)' "${BUDGET_SIGN:-14}" --login --pin env:TOKEN_PIN --sign --id 01 \
    --mechanism SHA256-RSA-PKCS --input-file "$work/data" --output-file "$work/sig"
stack_done
