# A real sshd on a free port, with keys and settings of its own. To be sourced after foreign.sh.
# shellcheck shell=sh disable=SC2034,SC2154

# sshd_start: it takes the keys in $work/authorized; $port is its port, $user who may log in, $work/known its host key,
# $work/ssh_config has the host token-test.
sshd_start() {
    sshd=$(command -v sshd || echo /usr/sbin/sshd)
    [ -x "$sshd" ] || fail 'openssh-server is not here'
    user=$(id -un)
    does ssh-keygen -q -t ed25519 -N '' -f "$work/hostkey"
    cat >"$work/sshd_config" <<END
HostKey $work/hostkey
PidFile none
ListenAddress 127.0.0.1
AuthorizedKeysFile $work/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel VERBOSE
MaxAuthTries 20
ForceCommand echo welcome
END
    # sshd started by root wants a directory below /run: it gets a /run of its own.
    cat >"$work/sshd.sh" <<'END'
if [ "$(id -u)" -eq 0 ]; then
    [ -d /run/sshd ] || { mount -t tmpfs -o mode=755 tmpfs /run && mkdir -m 755 /run/sshd; } || exit 1
fi
exec "$@"
END
    own_run=
    [ "$(id -u)" -ne 0 ] || own_run='unshare -m'
    # shellcheck disable=SC2086
    serve_on_port sshd 'Server listening' $own_run sh "$work/sshd.sh" "$sshd" -D -e -f "$work/sshd_config" -p PORT
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cat "$work/hostkey.pub")" >"$work/known"
    cat >"$work/ssh_config" <<END
Host token-test
    HostName 127.0.0.1
    Port $port
    User $user
    UserKnownHostsFile $work/known
    StrictHostKeyChecking yes
    PreferredAuthentications publickey
END
}
