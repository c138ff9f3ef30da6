#!/bin/sh
# Renewing and revoking with foreign peers: our tool at OpenSSL's CMP server, and OpenSSL's CMP client at our desk, each with
# the key on a token.
# shellcheck disable=SC2154 # the stack sets variables by the names of what it starts
# shellcheck source-path=SCRIPTDIR source=../lib/stack.sh
. "$SOURCE/tests/lib/stack.sh"
# shellcheck source-path=SCRIPTDIR source=tool_life_lib.sh
. "$SOURCE/tests/e2e/tool_life_lib.sh"

start_sim token --profile yubikey-5.4
foreign_ca
"$ingam" key generate 9a --key-type p256 --default-admin >"$work/9a.pub" 2>"$work/err" || fail "$(cat "$work/err")"
certificate_for "$work/9a.pub" "$work/9a.pem"
expect_exit 0 "$ingam" cert import 9a --file "$work/9a.pem" --default-admin --pin-file "$work/pin"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/srv.key" -subj /CN=server -out "$work/srv.csr" \
    2>/dev/null
openssl x509 -req -in "$work/srv.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 3 -set_serial 99 -out "$work/srv.pem" 2>/dev/null
# signing_server NAME OPTION...: it signs its answers and believes signatures below that CA.
signing_server() {
    signing=$1
    shift
    start_foreign "$signing" '' -srv_cert "$work/srv.pem" -srv_key "$work/srv.key" -srv_trusted "$work/ca.pem" "$@"
}
# shellcheck disable=SC2317 # called through expect_exit
renew() {
    on_token renew 9a --to 9c --issuer "$url" --ca "$1"
}

# OpenSSL's server wants the number of the old certificate in the new one.
openssl pkey -in "$work/other.key" -pubout -out "$work/other.pub"
certificate_for "$work/other.pub" "$work/wrong.pem"
signing_server other -rsp_cert "$work/wrong.pem"
expect_exit 9 renew "$work/ca.pem"
says 'for another key'
[ -z "$(in_slot 9c)" ] || fail 'a certificate for another key was written'
expect_exit 14 renew "$work/other.pem"
says 'not signed below the CA'
stop other
ok "a foreign server's certificate for another key is refused at a renewal, and answers that another CA signs"

p11 --read-object --type pubkey --id 02 -o "$work/9c.der" >/dev/null 2>&1
openssl pkey -pubin -inform DER -in "$work/9c.der" -pubout -out "$work/9c.pub"
certificate_for "$work/9c.pub" "$work/9c.pem"
signing_server right -rsp_cert "$work/9c.pem"
expect_exit 0 renew "$work/ca.pem"
expect_exit 0 "$ingam" cert verify 9c --ca "$work/ca.pem"
stop right
ok "a foreign server's certificate for the new key is accepted, the request signed by the old key on the token"

signing_server revoking -rsp_cert "$work/9a.pem"
expect_exit 0 "$ingam" revoke 9a --yes --reason keyCompromise --issuer "$url" --ca "$work/ca.pem" --pin-file "$work/pin"
stop revoking
ok 'a foreign server takes a revocation signed by the key on the token'

# OpenSSL's client at our desk, its key on the token.
cat >"$work/engine.cnf" <<END
openssl_conf = conf
[conf]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
END
desk_at "$near_end"
authorize foreign
on_token issue 9d --issuer "$url" --reference "$reference" --code-file "$work/code.foreign" --key-type p256 >/dev/null 2>"$work/err" ||
    fail "$(cat "$work/err")"
desk_at
"$ingam" cert export 9d --file "$work/9d.pem"
first=$(serial_of "$work/9d.pem")
# client COMMAND OPTION...: signed by the key in 9d.
client() {
    client_command=$1
    shift
    OPENSSL_CONF="$work/engine.cnf" openssl cmp -engine pkcs11 -keyform engine -key 'pkcs11:id=%03?pin-value=123456' \
        -server "$server" -path /cmp -cmd "$client_command" -cert "$work/9d.pem" -trusted "$desk/ca.crt" -unprotected_errors "$@" \
        >"$work/cmp.out" 2>&1 || fail "openssl cmp $client_command: $(cat "$work/cmp.out")"
}
"$ingam" key generate 82 --key-type p256 --default-admin >"$work/82.pub" 2>"$work/err" || fail "$(cat "$work/err")"
client kur -newkey 'pkcs11:id=%05?pin-value=123456' -certout "$work/new.pem"
openssl verify -CAfile "$desk/ca.crt" "$work/new.pem" >/dev/null
status_is "$first" revoked
client rr -oldcert "$work/9d.pem" -revreason 1
ok "openssl cmp renews and revokes at our desk with both keys on a token"
stack_done
