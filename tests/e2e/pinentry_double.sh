#!/bin/sh
# A pinentry that answers as it is told: DOUBLE_ANSWER says how, and what it is asked goes to the file DOUBLE_HEARD.
# A path there is a file of answers, of which the first line is used up; with DOUBLE_GO the answer waits for that file.
# What it inherits (descriptors, streams) goes there, too.
set -u
exec 3>>"$DOUBLE_HEARD"
for fd in "/proc/$$/fd/"*; do
    case ${fd##*/} in 0 | 1 | 2 | 3 | 10) ;; *) [ ! -e "$fd" ] || echo "INHERITED ${fd##*/}" >&3 ;; esac
done
case $DOUBLE_ANSWER in
/*)
    answers=$DOUBLE_ANSWER
    DOUBLE_ANSWER=$(head -n 1 "$answers")
    sed -i 1d "$answers"
    ;;
esac
case $DOUBLE_ANSWER in
leave) exit 1 ;;
babble) while echo "# still here"; do :; done ;;
flood) while printf xxxxxxxxxxxxxxxx; do :; done ;;
mute) while read -r _; do :; done ;;
stay) trap '' TERM && exec sleep 60 ;;
esac
echo 'OK here I am'
while read -r line; do
    printf '%s\n' "$line" >&3
    case $line in
    GETPIN)
        [ -z "${DOUBLE_GO:-}" ] || until [ -e "$DOUBLE_GO" ]; do sleep 0.05; done
        case $DOUBLE_ANSWER in
        cancel) echo 'ERR 83886179 Operation cancelled <Pinentry>' ;;
        garbage) echo 'HTTP/1.1 200 OK' ;;
        percent) echo 'D 12%' ;;
        long) printf 'D %0300d\nOK\n' 0 ;;
        hang) while read -r _; do :; done ;;
        *) printf 'S PASSWORD_FROM_CACHE\nD %s\nOK\n' "$DOUBLE_ANSWER" ;;
        esac
        ;;
    'OPTION ttytype'*) echo 'ERR 83886254 Unknown option <Pinentry>' ;;
    BYE) echo OK && exit 0 ;;
    *) echo OK ;;
    esac
done
echo CLOSED >&3
