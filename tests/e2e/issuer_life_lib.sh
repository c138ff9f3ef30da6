# Customers, their factors and their applications, for tests of a certificate's life. To be sourced after issuer_lib.sh.
# shellcheck shell=sh disable=SC2034,SC2154

# desk_do ARGUMENT...: a command of the desk, without --dir.
desk_do() {
    desk_noun=$1 desk_verb=$2
    shift 2
    "$issuer" "$desk_noun" "$desk_verb" --dir "$desk" "$@"
}

# desk_exit CODE NOUN VERB ARGUMENT...: the command ends with this code.
desk_exit() {
    desk_code=$1 desk_noun=$2 desk_verb=$3
    shift 3
    expect_exit "$desk_code" "$issuer" "$desk_noun" "$desk_verb" --dir "$desk" "$@"
}

says() {
    grep -q -- "$1" "$work/err" || fail "does not say '$1': $(cat "$work/err")"
}

# value KEY: what the last desk_exit printed for it.
value() {
    sed -n "s/^$1 //p" "$work/out"
}

# A check's test double: it passes for everybody but those who are called 'liar'.
checks_set() {
    cat >"$work/check" <<'CHECK'
#!/bin/sh
question=$(cat)
case $question in
*'"name":"slow"'*) sleep 300 & wait ;;
*'"name":"broken"'*) echo nonsense ;;
*'"name":"liar"'*) echo '{"result":"failed"}' ;;
*'"kind":"'"$1"'"'*) echo '{"result":"passed"}' ;;
esac
CHECK
    chmod 700 "$work/check"
    for kind in phone sms departure; do
        desk_exit 0 identity program --kind "$kind" --program "$work/check"
    done
}

# The secret of every one-time password here, in base32: the one of RFC 4226 appendix D.
otp_base32=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
otp_hex=3132333435363738393031323334353637383930

# customer_add NAME KIND NUMBER: sets customer and factor (hotp, its counter in $work/counter.ID).
customer_add() {
    printf '%s\n' "$3" >"$work/number"
    printf '%s\n' "$otp_base32" >"$work/otp"
    desk_exit 0 customer add --name "$1" --kind "$2" --identity-file "$work/number" --phone 010-0000-0000
    customer=$(value customer)
    desk_exit 0 factor add --customer "$customer" --kind hotp --secret-file "$work/otp"
    factor=$(value factor)
    echo 0 >"$work/counter.$customer"
    echo "$factor" >"$work/factor.$customer"
}

# prove CUSTOMER: identity by telephone, second factor by the next one-time password.
prove() {
    counter=$(cat "$work/counter.$1")
    oathtool --hotp -c "$counter" "$otp_hex" >"$work/answer"
    echo $((counter + 1)) >"$work/counter.$1"
    desk_exit 0 factor verify --factor "$(cat "$work/factor.$1")" --answer-file "$work/answer"
    desk_exit 0 identity check --customer "$1" --kind phone
}

# apply CUSTOMER WHO OPTION...: an application after its proofs; sets reference, the code goes to $work/code.WHO.
apply() {
    apply_customer=$1 apply_who=$2
    shift 2
    prove "$apply_customer"
    rm -f "$work/code.$apply_who"
    desk_exit 0 application add --customer "$apply_customer" --code-file "$work/code.$apply_who" --agree "$@"
    reference=$(value reference)
}

serial_of() {
    openssl x509 -in "$1" -noout -serial | sed 's/^serial=//'
}

# signed COMMAND OLD OLDKEY OPTION...: a CMP request signed by the key of the certificate OLD.
signed() {
    signed_command=$1 signed_cert=$2 signed_key=$3
    shift 3
    openssl cmp -config /dev/null -server "$server" -path /cmp -cmd "$signed_command" -cert "$signed_cert" \
        -key "$signed_key" -trusted "$desk/ca.crt" -unprotected_errors "$@" >"$work/cmp.out" 2>&1
}

# status_is SERIAL STATUS: the registry says so.
status_is() {
    got=$(desk_do certificate list --json | jq -r ".certificates[] | select(.serial == \"$1\") | .status")
    [ "$got" = "$2" ] || fail "certificate $1 is '$got', not $2"
}
