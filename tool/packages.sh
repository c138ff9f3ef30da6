# The Debian packages that the build, the tests and the quick start need: one list, one way to install them.
# To be sourced: packages_install build [tests]
# shellcheck shell=sh

packages_build="build-essential cmake ninja-build pkg-config gettext libssl-dev libpcsclite-dev libp11-kit-dev \
libp11-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libjansson-dev liboath-dev zlib1g-dev libpq-dev libzbar-dev libpng-dev libqrencode-dev libcurl4-openssl-dev opensc openssl"

packages_tests="clang clang-format clang-tidy libclang-rt-14-dev llvm-14 shellcheck libcmocka-dev pcscd vsmartcard-vpcd \
libengine-pkcs11-openssl yubico-piv-tool ykcs11 yubikey-manager gnutls-bin libnss3-tools softhsm2 oathtool curl jq \
python3-pykcs11 openssh-server libpkcs11-helper1-dev libnss3-dev util-linux procps git \
firefox-esr chromium xvfb xdotool fonts-nanum postgresql sqlite3"

# Prints those of the packages named that are not installed.
packages_missing() {
    for package in "$@"; do
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) || state=
        case $state in
        *" installed") ;;
        *) printf '%s\n' "$package" ;;
        esac
    done
}

# Installs what is missing of the sets named: build, tests. Returns 1 with a message when it can't.
packages_install() {
    wanted=
    for set in "$@"; do
        case $set in
        build) wanted="$wanted $packages_build" ;;
        tests) wanted="$wanted $packages_tests" ;;
        esac
    done
    # The lists are words, to be split.
    # shellcheck disable=SC2086
    missing=$(packages_missing $wanted | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        printf 'These packages are missing, and apt-get is not here to install them: %s\n' "$missing" >&2
        return 1
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            printf 'These packages are missing: %s\nInstall them as root, then run this again:\n  apt-get install %s\n' \
                "$missing" "$missing" >&2
            return 1
        fi
        as_root=sudo
    fi
    printf 'Installing: %s\n' "$missing"
    # What the packages bring as services is for the tests to start, each its own: none is started now.
    # shellcheck disable=SC2016,SC2086 # for the inner shell; the list is words
    $as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        policy=/usr/sbin/policy-rc.d made=
        trap "[ -z \"\$made\" ] || rm -f $policy" EXIT
        trap "exit 130" INT TERM
        [ -e $policy ] || { made=yes && printf "#!/bin/sh\nexit 101\n" >$policy && chmod 755 $policy; }
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    ' install $missing
}
