#!/bin/sh
# OpenSSH uses the module: ssh-keygen reads its keys, ssh and ssh-agent log in with them at a real sshd.
. "$SOURCE/tests/lib/stack.sh"
. "$SOURCE/tests/interop/foreign.sh"
. "$SOURCE/tests/interop/token.sh"
. "$SOURCE/tests/interop/sshd.sh"
token_start
# OpenSSH asks for the PIN through this program; each question leaves a line.
cat >"$work/askpass" <<END
#!/bin/sh
printf '%s\n' "\$1" >>"$work/asked"
printf '%s\n' "\$(cat "$work/answer")"
END
chmod +x "$work/askpass"
printf '%s\n' "$pin" >"$work/answer"
export SSH_ASKPASS="$work/askpass" SSH_ASKPASS_REQUIRE=force DISPLAY=:none

does ssh-keygen -D "$module"
grep -E '^(ssh-rsa|ecdsa-sha2-nistp256) ' "$work/said" >"$work/listed"
[ "$(wc -l <"$work/listed")" -eq "$keys" ] || fail "not $keys keys: $(cat "$work/said")"
for name in $names; do
    ssh-keygen -i -m PKCS8 -f "$work/$name.pub" >"$work/$name.ssh"
    grep -qF "$(cut -d' ' -f2 "$work/$name.ssh")" "$work/listed" || fail "$name is not among $(cat "$work/listed")"
done
ok "ssh-keygen -D lists the $keys keys"

sshd_start

# enter OPTION...: logs in; the server must say that it took the key of $name.
enter() {
    before=$(wc -l <"$work/sshd.log")
    says '^welcome' ssh -F "$work/ssh_config" "$@" token-test true
    print=$(ssh-keygen -lf "$work/$name.ssh" | cut -d' ' -f2)
    tail -n +"$((before + 1))" "$work/sshd.log" | grep -q "Accepted publickey for $user .*$print" ||
        fail "the server did not accept $name: $(tail -n 5 "$work/sshd.log")"
}
for name in auth card sign; do
    cp "$work/$name.ssh" "$work/authorized"
    cp "$work/$name.ssh" "$work/only.pub"
    : >"$work/asked"
    enter -o IdentitiesOnly=yes -i "$work/only.pub" -o PKCS11Provider="$module"
    ok "ssh logs in with $name at a real sshd, $(wc -l <"$work/asked") questions"
done

# The agent asks once, and signs for as long as it holds the token.
SSH_AUTH_SOCK="$work/agent"
export SSH_AUTH_SOCK
serve agent 'SSH_AUTH_SOCK' ssh-agent -D -a "$SSH_AUTH_SOCK" -P "$(readlink -f "$module"),$module"
: >"$work/asked"
says 'Card added' ssh-add -s "$module"
does ssh-add -l
[ "$(grep -c SHA256: "$work/said")" -eq "$keys" ] || fail "not $keys keys: $(cat "$work/said")"
for name in auth card; do
    cp "$work/$name.ssh" "$work/authorized"
    cp "$work/$name.ssh" "$work/only.pub"
    enter -o IdentitiesOnly=yes -i "$work/only.pub"
    enter -o IdentitiesOnly=yes -i "$work/only.pub"
    enter -o IdentitiesOnly=yes -i "$work/only.pub"
done
[ "$(wc -l <"$work/asked")" -eq 1 ] || fail "not one question: $(cat "$work/asked")"
ok 'ssh-agent holds the token: six logins, one question'
printf 'a text\n' >"$work/text"
does ssh-keygen -Y sign -n file -f "$work/auth.ssh" "$work/text"
printf 'me %s\n' "$(cat "$work/auth.ssh")" >"$work/signers"
commands=$((commands + 1))
ssh-keygen -Y verify -n file -f "$work/signers" -I me -s "$work/text.sig" <"$work/text" >"$work/said" 2>&1 ||
    fail "ssh-keygen -Y verify: $(cat "$work/said")"
ok 'ssh-keygen -Y signs a file through the agent'
does ssh-add -T "$work/auth.ssh"
# The agent can't ask for the PIN of 9C and leaves the operation as it is; the other keys go on.
refuses 'agent refused' ssh-add -T "$work/sign.ssh"
does ssh-add -T "$work/auth.ssh"
does ssh-add -T "$work/card.ssh"
says 'Card removed' ssh-add -e "$module"
says 'no identities' sh -c 'ssh-add -l || true'
ok 'ssh-add -T tests a key, and fails where the PIN is wanted each time; ssh-add -e takes the token out'
session_done
