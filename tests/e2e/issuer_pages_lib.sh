# A desk with its certificate centre, and visitors of its pages. To be sourced after issuer_life_lib.sh.
# shellcheck shell=sh disable=SC2034,SC2154

# pages_serve [OPTION...]: makes the desk if there is none and serves it with pages and members' page over TLS;
# sets url, server, pages, members.
pages_serve() {
    # The options are words, to be split.
    # shellcheck disable=SC2086
    [ -d "$desk" ] || "$issuer" init --dir "$desk" --name '시험 인증기관' ${desk_init:-} >/dev/null
    [ -f "$work/tls.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
    start serve "$issuer" serve --dir "$desk" --listen 127.0.0.1:0 --pages-listen 127.0.0.1:0 \
        --members-listen 127.0.0.1:0 --tls-cert "$work/tls.crt" --tls-key "$work/tls.key" "$@"
    url=${serve_ready#ready }
    server=${url#http://}
    server=${server%/cmp}
    pages=$(next_line serve)
    pages=${pages#pages }
    members=$(next_line serve)
    members=${members#members }
}

# glance PATH [OPTION...]: asks for a page; sets got to its status.
glance() {
    glance_path=$1
    shift
    got=$(curl -s -m 20 --cacert "$work/tls.crt" -b "$work/jar" -c "$work/jar" -H 'Accept-Language: ko' -o "$work/body" \
        -D "$work/head" -w '%{http_code}' "$@" "$pages$glance_path") || fail "no answer: $glance_path $*"
}

# visit STATUS PATH [OPTION...]: a page, with the cookies of $work/jar; body and head to $work/body and $work/head.
visit() {
    visit_status=$1
    shift
    glance "$@"
    [ "$got" = "$visit_status" ] || fail "$1: status $got, not $visit_status: $(cat "$work/body")"
}

# shows TEXT: the last page has it.
shows() {
    grep -qF -- "$1" "$work/body" || fail "does not show '$1': $(cat "$work/body")"
}

# hidden NAME: the value of a hidden field of the last page.
hidden() {
    sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" "$work/body" | head -n 1
}

# fill STATUS PATH FIELD=VALUE...: sends the form of the page at hand.
fill() {
    fill_status=$1 fill_path=$2
    shift 2
    for pair in "csrf=$(hidden csrf)" "step=$(hidden step)" "$@"; do
        printf 'data-urlencode = "%s"\n' "$pair"
    done >"$work/fields"
    visit "$fill_status" "$fill_path" -K "$work/fields"
}

# next PATH STEP FIELD=VALUE...: the form is taken, and that step is shown.
next() {
    next_path=$1 next_step=$2
    shift 2
    fill 303 "$next_path" "$@"
    visit 200 "$next_path"
    at "$next_step"
}
at() {
    [ "$(hidden step)" = "$1" ] || grep -q "step=$1 " "$work/serve.err" || fail "not at step $1: $(cat "$work/body")"
}

# checked PATH STEP: waits until the identity check is over and that step is shown.
checked() {
    wait_for 30 "the check" is_checked "$1" "$2"
}
is_checked() {
    visit 200 "$1"
    [ "$(hidden step)" = "$2" ]
}

# otp CUSTOMER: the next one-time password.
otp() {
    counter=$(cat "$work/counter.$1")
    echo $((counter + 1)) >"$work/counter.$1"
    oathtool --hotp -c "$counter" "$otp_hex"
}

# fact NAME: what the last page shows for it.
fact() {
    sed -n "s/.*<dd id=\"fact-$1\">\([^<]*\)<.*/\1/p" "$work/body"
}

# log_in CUSTOMER NUMBER
log_in() {
    rm -f "$work/jar"
    log_in_here "$@"
}
# log_in_here CUSTOMER NUMBER: in the session at hand, if there is one; before is its id before the login.
log_in_here() {
    visit 200 /login
    before=$(session_id)
    next /login factor "customer=$1" "number=$2"
    next /login answer "factor=$(cat "$work/factor.$1")"
    fill 303 /login "answer=$(otp "$1")"
    visit 303 /login
}

# session_id: what the cookie of the pages says.
session_id() {
    awk '/ingam/ {print $7}' "$work/jar"
}

# apply_until STEP CUSTOMER NUMBER CLASS KIND: applies in a new session as far as that step, or to its end.
apply_until() {
    rm -f "$work/jar"
    visit 200 '/apply'
    next /apply identity agree-service=yes agree-privacy=yes agree-identity=yes
    [ "$1" != identity ] || return 0
    next /apply check "customer=$2" "number=$3"
    [ "$1" != check ] || return 0
    fill 303 /apply check=phone
    checked /apply kind
    [ "$1" != kind ] || return 0
    next /apply factor "class=$4" "kind=$5"
    [ "$1" != factor ] || return 0
    next /apply answer "factor=$(cat "$work/factor.$2")"
    [ "$1" != answer ] || return 0
    next /apply fee "answer=$(otp "$2")"
    [ "$1" != fee ] || return 0
    next /apply details confirm=yes
    [ "$1" != details ] || return 0
    fill 303 /apply confirm=yes
    visit 200 /apply
}
