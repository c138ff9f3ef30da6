#!/bin/sh
# Checks which room includes which: the dependencies run one way, and the firmware shares nothing with the rest.
set -eu
cd "${1:-$SOURCE}"

# room  what its files may include of ours: prefixes of paths from the top, and of room-relative ones
# (a file may always include what stands in its own room)
allowed() {
    case $1 in
    pkcs11/entry) echo 'pkcs11/core pkcs11/object pkcs11/mech pkcs11/card/base' ;;
    pkcs11/core) echo 'pkcs11/object pkcs11/mech pkcs11/host pkcs11/card' ;;
    pkcs11/object) echo 'pkcs11/core pkcs11/mech pkcs11/host pkcs11/card/base' ;;
    pkcs11/mech) echo 'pkcs11/host pkcs11/object pkcs11/card/base' ;;
    pkcs11/host) echo 'pkcs11/card/base pkcs11/card/piv' ;;
    pkcs11/card) echo '' ;;
    tool) echo 'pkcs11/card' ;;
    tool/issuer) echo 'tool/common' ;;
    firmware-sim) echo '' ;;
    esac
}

room_of() {
    case $1 in
    pkcs11/*/*) echo "$1" | cut -d/ -f1,2 ;;
    pkcs11/*) echo pkcs11 ;;
    tool/issuer/*) echo tool/issuer ;;
    *) echo "${1%%/*}" ;;
    esac
}

bad=0
complain() {
    printf '%s\n' "$*"
    bad=$((bad + 1))
}

files=$(find pkcs11 tool firmware-sim -name '*.[ch]' | sort)
count=0
for file in $files; do
    count=$((count + 1))
    room=$(room_of "$file")
    headers=$(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file")
    for header in $headers; do
        found=
        for base in "$(dirname "$file")" pkcs11 pkcs11/card tool tool/issuer firmware-sim .; do
            # A header found from the file's own room first: that is how the compiler is told to look, too.
            case $room in
            firmware-sim) case $base in pkcs11* | tool*) continue ;; esac ;;
            pkcs11*) case $base in tool* | firmware*) continue ;; esac ;;
            esac
            if [ -f "$base/$header" ]; then
                found=$(realpath -m --relative-to=. "$base/$header")
                break
            fi
        done
        if [ -z "$found" ]; then
            case $header in *_gen.h | config.h | version.h) continue ;; esac
            complain "$file: includes \"$header\", which is nowhere among the rooms it may see"
            continue
        fi
        to=$(room_of "$found")
        [ "$to" = "$room" ] && continue
        permitted=no
        for prefix in $(allowed "$room"); do
            case $found in "$prefix"/*) permitted=yes ;; esac
        done
        [ "$permitted" = yes ] || complain "$file ($room) may not include $found ($to)"
    done
    case $room in
    pkcs11/host | tool | tool/issuer | firmware-sim) ;;
    *) ! grep -nE '#[ \t]*include[ \t]*<openssl/' "$file" || complain "$file: OpenSSL belongs to pkcs11/host" ;;
    esac
    case $room in
    pkcs11/entry | pkcs11/core | pkcs11/object | pkcs11/mech | pkcs11/host | pkcs11 | tool | tool/issuer) ;;
    *) ! sed 's#//.*##; /^ *\*/d; /^ *\/\*/d' "$file" | grep -nE '\<(CK_[A-Z_]+|CK[RAMOFUKHD]_[A-Z0-9_]+)\>' || complain "$file: CK_ names belong to pkcs11/" ;;
    esac
done
[ "$count" -gt 0 ] || complain 'no source file found'
printf '%d files checked, %d complaints\n' "$count" "$bad"
[ "$bad" -eq 0 ]
