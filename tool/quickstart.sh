#!/bin/sh
# The first walk: a simulated token gets a certificate over CMP, signs a file, and openssl verifies it.
#   sh tool/quickstart.sh
# Everything it makes is in build/quickstart, made anew each time; it leaves no program running.
set -eu
umask 077
cd "$(dirname "$0")/.."

build=build
demo=build/quickstart
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$2 demo=$2/quickstart && shift 2 ;;
    --into) demo=$2 && shift 2 ;;
    *)
        printf 'usage: sh tool/quickstart.sh [--build DIR] [--into DIR]\n' >&2
        exit 2
        ;;
    esac
done

step=0
say() {
    step=$((step + 1))
    printf '%2d. %s\n' "$step" "$*"
}
give_up() {
    printf 'quickstart: %s\n' "$*" >&2
    for log in "$demo"/*.log; do
        [ ! -s "$log" ] || { printf -- '--- %s\n' "$log" && tail -n 5 "$log"; } >&2
    done
    exit 1
}

# shellcheck source-path=SCRIPTDIR source=packages.sh
. tool/packages.sh
packages_install build || exit 1

# A build tree of a checkout that was moved is of no use.
if [ -f "$build/CMakeCache.txt" ] && ! grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$build/CMakeCache.txt"; then
    rm -rf "$build"
fi
[ -f "$build/CMakeCache.txt" ] || cmake -B "$build" -G Ninja -DINGAM_TESTS=OFF . >/dev/null
cmake --build "$build" >"$build/quickstart-build.log" 2>&1 || {
    tail -n 30 "$build/quickstart-build.log" >&2
    exit 1
}

say "Built: $build/pkcs11/ingam-pkcs11.so, $build/tool/ingam, $build/tool/ingam-issuer, $build/firmware-sim/ingam-sim"

case $demo in
*/quickstart | /tmp/*) rm -rf "$demo" ;;
*) [ ! -e "$demo" ] || give_up "$demo is there already: name a folder to make" ;;
esac
mkdir -p "$demo"
for variable in $(env | sed -n 's/^\(INGAM_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$variable"
done
module=$build/pkcs11/ingam-pkcs11.so

running=
finish() {
    for pid in $running; do
        kill "$pid" 2>/dev/null || true
    done
    wait
}
trap finish EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND...: waits for its line "ready ..." and leaves that in $ready.
start() {
    name=$1
    shift
    rm -f "$demo/$name.ready"
    mkfifo "$demo/$name.ready"
    "$@" >"$demo/$name.ready" 2>"$demo/$name.log" </dev/null &
    running="$running $!"
    exec 9<"$demo/$name.ready"
    IFS= read -r ready <&9 || ready=
    rm -f "$demo/$name.ready"
    case $ready in
    ready*) ;;
    *) give_up "$name did not start: $ready" ;;
    esac
}

start token "$build/firmware-sim/ingam-sim" --image "$demo/token.image" --listen "unix:$demo/token.sock"
export INGAM_SIM="unix:$demo/token.sock"
say "A simulated PIV token is in its reader ($demo/token.image; factory PIN 123456)."

"$build/tool/ingam-issuer" init --dir "$demo/desk" --name 'Quickstart CA' >>"$demo/issuer.log" 2>&1 ||
    give_up 'the issuing desk could not be made'
start issuer "$build/tool/ingam-issuer" serve --dir "$demo/desk" --listen 127.0.0.1:0
url=${ready#ready }
say "The issuing desk made itself a CA and answers CMP at $url."

reference=$("$build/tool/ingam-issuer" authorize --dir "$demo/desk" --name '홍길동' \
    --subject '/C=KR/O=Ingam/CN=홍길동' --code-file "$demo/code" | sed -n 's/^reference[:=]* *//p')
[ -n "$reference" ] || give_up 'the desk gave no reference number'
say "It wrote down 홍길동 as entitled: reference number $reference; the authorization code is in $demo/code."

printf '123456\n' >"$demo/pin"
"$build/tool/ingam" issue --slot 9a --issuer "$url" --reference "$reference" --code-file "$demo/code" \
    --key-type p256 --pin-file "$demo/pin" --default-admin >"$demo/issue.log" 2>&1 || {
    cat "$demo/issue.log" >&2
    give_up 'no certificate was issued'
}
say "ingam issue: key made on the token, certificate received over CMP, checked, written into slot 9A."

pkcs11-tool --module "$module" -O >"$demo/objects" 2>"$demo/objects.log" || give_up 'pkcs11-tool finds no objects'
say "pkcs11-tool -O, a program that knows nothing of Ingam, sees on the token:"
sed -n 's/^\([A-Z].*[Oo]bject.*\)/       \1/p; s/^  \(label: .*\)/         \1/p; s/^  \(ID: .*\)/         \1/p' "$demo/objects" | grep -v Profile

printf 'I, the undersigned.\n' >"$demo/letter.txt"
TOKEN_PIN=$(cat "$demo/pin")
export TOKEN_PIN
pkcs11-tool --module "$module" --login --pin env:TOKEN_PIN --sign --id 01 --mechanism ECDSA-SHA256 \
    --signature-format openssl --input-file "$demo/letter.txt" --output-file "$demo/letter.sig" >"$demo/sign.log" 2>&1 ||
    give_up 'pkcs11-tool could not sign'
say "pkcs11-tool --sign: the token signed $demo/letter.txt (the key never leaves it)."

pkcs11-tool --module "$module" --read-object --type cert --id 01 --output-file "$demo/certificate.der" \
    >>"$demo/sign.log" 2>&1
openssl x509 -inform DER -in "$demo/certificate.der" -out "$demo/certificate.pem"
openssl x509 -in "$demo/certificate.pem" -pubkey -noout >"$demo/key.pem"
verified=$(openssl dgst -sha256 -verify "$demo/key.pem" -signature "$demo/letter.sig" "$demo/letter.txt") ||
    give_up 'openssl refuses the signature'
say "openssl dgst -verify, with the issued certificate: $verified."
verified=$(openssl verify -CAfile "$demo/desk/ca.crt" "$demo/certificate.pem") || give_up 'openssl refuses the certificate'
say "openssl verify, the certificate against the desk's CA: ${verified##*: }."

cat <<EOF

Go on with it (the token's state is kept in its image):
  $build/firmware-sim/ingam-sim --image $demo/token.image --listen unix:$demo/token.sock &
  export INGAM_SIM=unix:$demo/token.sock
  $build/tool/ingam token info
  pkcs11-tool --module $module --login -O
  $build/tool/ingam --help
EOF
