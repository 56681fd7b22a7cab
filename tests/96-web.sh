#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The daemon's HTTP interface: who is let in, what is refused, what is begun,
# and that nobody can hold it up.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3 openssl

# ---- Where it listens -------------------------------------------------------

start_lab --districts 2 --schools 2 --students 44 --teachers 5
set_up() { # LINE...: of [health]
    {
        printf '%s\n' '[health]' "$@"
        cat <<'END'
[sync]
default_mode = full
full_sync_day =
page_size = 10
page_size_max = 10
[schedule]
cron_expression =
END
    } | write_config
}

set_up 'listen = example.com:80'
exits 78 "a name is no address to listen on" cs check-config
like "and it says what one is" "$err" 'listen must be an address and a port'
for listen in 127.0.0.1 127.0.0.1:65536 127.0.0.1:x '[::1]' '::1:80' '[::g]:80' :80
do
    set_up "listen = $listen"
    exits 78 "nor is $listen" cs check-config
done
for listen in 0.0.0.0:80 192.0.2.1:80 '[::]:80' '[2001:db8::1]:80'; do
    set_up "listen = $listen"
    exits 78 "$listen needs a certificate" cs check-config
    like "which is said" "$err" 'listen needs tls_certificate and tls_key'
done
set_up "tls_certificate = $dir/cert.pem"
exits 78 "a certificate needs its key" cs check-config
for listen in '' 127.0.0.1:0 127.9.9.9:80 '[::1]:0'; do
    set_up "listen = $listen"
    ok "\"$listen\" is fine" cs check-config
done

# ---- The password -----------------------------------------------------------

hash_of() { # PASSWORD [WORD...]
    printf '%s\n' "$1" >"$dir/typed"
    shift
    cs secrets hash-password "$@" <"$dir/typed"
}
password='correct horse battery'
hash=$(hash_of "$password")
is "a hash says how it was made" "${hash%\$*\$*}" '$scrypt$ln=15,r=8,p=1'
case $(hash_of "$password") in
"$hash") tap_fail "each has its own salt" ;;
*) tap_pass "each has its own salt" ;;
esac
hash_of "$password" -o json >"$out"
like "also as JSON" "$out" '"hash": "\$scrypt\$[^"]*"'
is "a short password is refused" "$(hash_of short 2>&1)" \
    "cleversync: the password is shorter than 12 characters"
exits 2 "so is none" cs secrets hash-password

typed() { # FIRST SECOND: at a terminal; what is seen there, and the exit code
    python3 - "$CLEVERSYNC" "$@" <<'END'
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "secrets", "hash-password"])
seen = b""
for question, answer in zip((b"Password: ", b"again: "), sys.argv[2:]):
    while question not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, answer.encode() + b"\n")
try:
    while True:
        seen += os.read(terminal, 1000)
except OSError:
    pass
print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
}
if python3 -c "import os; os.openpty()" 2>/dev/null; then
    typed "$password" "$password" >"$out"
    like "at a terminal it is read twice" "$out" '^\$scrypt\$ln=15'
    unlike "and not seen" "$out" "$password"
    typed "$password" "${password}x" >"$out"
    like "a second one that differs is refused" "$out" \
        'is not the same the second time'
else
    skip "no python3, or no terminals" "at a terminal it is read twice"
fi

# ---- A daemon ---------------------------------------------------------------

set_up 'listen = 127.0.0.1:0'
register
one=$(school_id "$(prefixes | sed -n 1p)")
other=$(school_id "$(prefixes | sed -n 2p)")
district=$(district_ids | sed -n 1p)
key='planted-api-key-5521'
log=$dir/log
export CLEVERSYNCSOS__API__KEY=$key
export CLEVERSYNCSOS__ADMINPORTAL__SUPERADMINPASSWORD="$hash"

url() {
    sed -n 's/.*: listening on //p' "$log"
}

listens() {
    [ -n "$(url)" ]
}

start_daemon() {
    : >"$log"
    "$CLEVERSYNC" --config "$config" daemon >"$log" 2>&1 </dev/null 9>&- &
    daemon=$!
    wait_for listens || {
        note "the daemon did not come up:"
        sed 's/^/#   /' "$log"
        exit 99
    }
    url=$(url)
}

ask() { # WORD...: curl's; the status, with the body in $out, the head in $head
    curl -s -k -m 20 -o "$out" -D "$dir/head" -w '%{http_code}' "$@"
}

with_key() { # WORD...
    ask -H "Authorization: Bearer $key" "$@"
}

value() { # PATH: of the JSON in $out
    sqlite3 :memory: "SELECT json_extract(readfile('$out'), '$1')"
}

start_daemon
is "it lives" "$(ask "$url/health/live")" 200
is "which is said in a word" "$(value '$.status')" Healthy
answers() { # STATUS PATH
    [ "$(ask "$url$2")" = "$1" ]
}
wait_for answers 200 /health/ready
is "and is ready" "$(ask "$url/health/ready")" 200
is "what it depends on" "$(ask "$url/health/clever-auth")" 200
is "is told" "$(value '$.dependencies[0].name')" sink.session
is "so are events" "$(ask "$url/health/events")" 200
is "HEAD has no body" "$(ask -I "$url/health/live")" 200
is "metrics are there" "$(ask "$url/metrics")" 200
like "as text" "$dir/head" '^Content-Type: text/plain; version=0.0.4'
is "or as OpenMetrics" \
    "$(ask -H 'Accept: application/openmetrics-text; version=1.0.0' \
        "$url/metrics")" 200
like "for who asks for it" "$dir/head" \
    '^Content-Type: application/openmetrics-text; version=1.0.0'
like "to its end" "$out" '^# EOF$'

# ---- Who is let in, and what is refused -------------------------------------

for path in /api/schools /api/runs /api/runs/x /api/holds /api/rejects \
    /api/schedule; do
    is "$path is not for everybody" "$(ask "$url$path")" 401
done
is "a sync is not begun without the key" "$(ask -X POST "$url/api/sync")" 401
like "and programs are told how" "$dir/head" '^WWW-Authenticate: Bearer'
is "the reason is a sentence" "$(value '$.error')" \
    "the API key is missing or wrong"
for wrong in "Bearer ${key}x" "Bearer ${key%?}" "Bearer" "Bearer " "$key" \
    "Basic $(printf ":%s" "$key" | base64)"; do
    is "\"${wrong%%"$key"*}...\" is not the key" \
        "$(ask -X POST -H "Authorization: $wrong" "$url/api/sync")" 401
done
is "nothing was begun" "$(with_key "$url/api/runs")/$(value '$.runs')" '200/[]'

refuses() { # STATUS METHOD TARGET
    is "$2 $3 is $1" "$(with_key --path-as-is -X "$2" "$url$3")" "$1"
}
for query in "schoolId=" "schoolId=nobody" "districtId=nobody" "schoolId=$district" \
    "districtId=$one" "schoolid=$one" "school=$one" "schoolId" "schoolId=$one&" \
    "schoolId=$one&schoolId=$other" "schoolId=$one&schoolId=$one" "full=yes" \
    "full=true&full=true" "full=" "full=TRUE" "" "&" "=" "=x" "%" "schoolId=%zz" \
    "schoolId=%00" "schoolId=$one%00" "schoolId=%ff" "schoolId=$one%0a" \
    "schoolId=$one&districtId=$district" "schoolId=$one;full=true" \
    "districtId=$district&x=1" "schoolId=..%2f" "schoolId=$one%20" \
    "schoolId[]=$one" "schoolId=*"; do
    refuses 400 POST "/api/sync?$query"
done
is "a body is not read" \
    "$(with_key -d "{\"schoolId\": \"$one\"}" "$url/api/sync")" 400
cs school set "$other" --active no >"$out"
is "a school that is not active is not synced" \
    "$(with_key -X POST "$url/api/sync?schoolId=$other")" 400
cs school set "$other" --active yes >"$out"
is "still nothing was begun" "$(with_key "$url/api/runs")/$(value '$.runs')" \
    '200/[]'
for path in / /health/live /health/clever-auth /metrics /api/runs /page.js; do
    refuses 405 DELETE "$path"
    like "which names what is" "$dir/head" '^Allow: GET, HEAD'
done
refuses 405 GET /api/sync
like "POST is" "$dir/head" '^Allow: POST'
refuses 405 PUT /sign-in
like "or both" "$dir/head" '^Allow: GET, HEAD, POST'
for path in /nothing /api /api/ /api/runs/ /api/runs/x/y /page.js/ //page.js \
    /../etc/passwd /page/../page.js /%2e%2e/page.js /page%2ejs /health/live/ \
    /api/holds/../runs /.git/config /index.html /api/runs/%78 '/api/runs/;'; do
    refuses 404 GET "$path"
done
refuses 404 GET /api/runs/2026-01-01T000000-00000000

# ---- Syncs ------------------------------------------------------------------

ended() { # RUN
    with_key "$url/api/runs/$1" >/dev/null && [ "$(value '$.state')" = ended ]
}

begin() { # DESCRIPTION QUERY: sets $run
    is "$1" "$(with_key -X POST "$url/api/sync$2")" 202
    run=$(value '$.run_id')
}

begin "a school is synced" "?schoolId=$one"
wait_for ended "$run"
is "and that alone" \
    "$(value '$.status')/$(value '$.school')/$(value '$.schools_total')" "ok/$one/1"
is "by the API" "$(value '$.cause')" api
begin "a district is synced, in full" "?full=true&districtId=$district"
wait_for ended "$run"
is "and that" "$(value '$.status')/$(value '$.district')/$(value '$.full')" \
    "ok/$district/1"
begin "all are synced" "?full=false"
wait_for ended "$run"
is "which are four" "$(value '$.status')/$(value '$.schools_total')" ok/4
is "the runs are listed" "$(with_key "$url/api/runs")" 200
is "newest first" "$(value '$.runs[0].id')/$(value '$.runs[0].schools')" "$run/"
fault slow,ms=500,role=student
begin "while one is synced" "?schoolId=$one"
reads() { # RUN: it is at work
    with_key "$url/api/runs/$1" >/dev/null &&
        [ "$(value '$.schools[0].state')" = running ]
}
wait_for reads "$run"
is "it is not synced again" \
    "$(with_key -X POST "$url/api/sync?schoolId=$one")" 409
is "the schools" "$(with_key "$url/api/schools")" 200
school() { # COLUMN...
    sqlite3 :memory: "SELECT json_extract(value, '\$.$1')
        FROM json_each(readfile('$out'), '\$.schools')
        WHERE json_extract(value, '\$.school_id') = '${2:-$one}'"
}
is "say which run it has" "$(school running)" "$run"
is "and which has none" "$(school running "$other")" ""
is "and how the last sync went" "$(school entities[0].status "$other")" Success
fault
wait_for ended "$run"

# ---- What waits for a person ------------------------------------------------

is "a full sync is required" \
    "$(with_key -X POST "$url/api/schools/$one/require-full")" 200
is "of a school that there is" \
    "$(with_key -X POST "$url/api/schools/nobody/require-full")" 404
is "and seen at once" "$(with_key "$url/api/schools")/$(school requires_full)" \
    200/1
begin "which the next sync is" "?schoolId=$one"
wait_for ended "$run"
not_required() {
    with_key "$url/api/schools" >/dev/null && [ "$(school requires_full)" = 0 ]
}
wait_for not_required
is "and then no more" "$(school requires_full)" 0
prefix=$(prefixes | sed -n 1p)
tap_truth "$prefix" student
for id in $(sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
    ORDER BY key LIMIT 15"); do
    post "/lab/delete?id=$id" >/dev/null
done
begin "15 of 44 leave" "?schoolId=$one"
wait_for ended "$run"
is "which is held" "$(value '$.schools[0].entities[0].held')" 15
held() {
    with_key "$url/api/holds" >/dev/null && [ -n "$(value '$.holds[0].hold')" ]
}
wait_for held
is "and listed" "$(with_key "$url/api/holds")" 200
is "with counts" \
    "$(value '$.holds[0].held')/$(value '$.holds[0].total')" 15/44
hold=$(value '$.holds[0].hold')
is "its keys are told" "$(with_key "$url/api/holds/$hold")" 200
is "all of them" "$(sqlite3 :memory: \
    "SELECT count(*) FROM json_each(readfile('$out'), '\$.keys')")" 15
is "another is not there" "$(with_key "$url/api/holds/000000000000")" 404
is "it is approved" "$(with_key -X POST "$url/api/holds/$hold/approve")" 200
is "once" "$(with_key -X POST "$url/api/holds/$hold/approve")/$(value \
    '$.already')" 200/1
is "by whom is kept" \
    "$(sql session 'SELECT ApprovedBy FROM SyncHold')" "API, 127.0.0.1"
begin "they go" "?schoolId=$one"
wait_for ended "$run"
is "as is right" "$(value '$.status')" ok
is "a used hold cannot be approved" \
    "$(with_key -X POST "$url/api/holds/$hold/approve")" 409
is "one that is not there cannot be rejected" \
    "$(with_key -X POST "$url/api/holds/000000000000/reject")" 404
is "records that were set aside" "$(with_key "$url/api/rejects")" 200
is "are none" "$(value '$.total')" 0
is "the schedule" "$(with_key "$url/api/schedule")" 200
is "is empty here" "$(value '$.cron_expression')/$(value '$.next')" /

# ---- The page ---------------------------------------------------------------

is "the page is there" "$(ask "$url/")" 200
for field in "Content-Security-Policy: default-src 'none'; script-src 'self';" \
    "X-Frame-Options: DENY" "X-Content-Type-Options: nosniff" \
    "Referrer-Policy: no-referrer" "Cache-Control: no-store"; do
    like "with $field" "$dir/head" "^$field"
done
unlike "nothing in it is from elsewhere" "$out" '(src|href)="(https?:)?//'
unlike "nor inline" "$out" '<script>|<style|style=| on[a-z]+='
is "it is the file" "$(cmp "$out" "$srcdir/page/index.html" 2>&1)" ""
for file in page.js page.css icon.svg; do
    is "$file is there" "$(ask "$url/$file")" 200
    is "as it should be" "$(cmp "$out" "$srcdir/page/$file" 2>&1)" ""
done

sign_in() { # PASSWORD [WORD...]
    printf '{"password": "%s"}' "$1" >"$dir/password"
    shift
    ask -H 'Content-Type: application/json' --data-binary "@$dir/password" "$@" \
        "$url/sign-in"
}
cookie() {
    sed -n 's/^Set-Cookie: \([^;]*\);.*/\1/p' "$dir/head"
}

is "a wrong password does not sign in" "$(sign_in 'correct horse battere')" 401
is "for a reason that says little" "$(value '$.error')" "the password is wrong; \
after too many wrong ones none is looked at for a minute"
is "the hash does not either" "$(sign_in "$hash")" 401
is "another site cannot sign in" \
    "$(sign_in "$password" -H 'Origin: http://evil.example')" 403
is "whatever it sends" \
    "$(ask -d "{\"password\": \"$password\"}" "$url/sign-in")" 403
for body in '' '{}' '[]' '{"password": 1}' '{"password": "x", "password": "y"}' \
    '{"password": "\u0000"}' '{"password"' "$(printf '\377')"; do
    is "it is no sign-in: $body" "$(ask -H 'Content-Type: application/json' \
        --data-binary "$body" "$url/sign-in")" 400
done
is "the right one does" "$(sign_in "$password")" 200
like "with a cookie for this site's pages only" "$dir/head" \
    '^Set-Cookie: cleversync=[0-9a-f]{64}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict.?$'
csrf=$(value '$.csrf')
cookie=$(cookie)
signed() { # WORD...
    ask -b "$cookie" "$@"
}
is "it lets in" "$(signed "$url/api/schools")" 200
is "a page that is loaded anew" "$(signed "$url/sign-in")" 200
is "learns the second word" "$(value '$.csrf')" "$csrf"
is "who is not signed in does not" \
    "$(ask "$url/sign-in")/$(value '$.signed_in')/$(value '$.csrf')" 200/0/
is "without it nothing is begun" "$(signed -X POST "$url/api/sync")" 403
is "nor with a wrong one" \
    "$(signed -X POST -H "X-CSRF-Token: ${csrf%?}x" "$url/api/sync")" 403
for header in 'Origin: http://evil.example' 'Origin: null' \
    'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site'; do
    is "nor by another page, which says $header" "$(signed -X POST -H "$header" \
        -H "X-CSRF-Token: $csrf" "$url/api/sync")" 403
done
is "another cookie is nobody's" "$(ask -b "${cookie%?}g" "$url/api/schools")" 401
is "with both a sync is begun" "$(signed -X POST -H "X-CSRF-Token: $csrf" \
    -H "Origin: $url" -H 'Sec-Fetch-Site: same-origin' \
    "$url/api/sync?schoolId=$one")" 202
run=$(value '$.run_id')
wait_for ended "$run"
is "by the page" "$(value '$.cause')" page
is "to sign out takes both, too" "$(signed -X POST "$url/sign-out")" 403
is "and signs out" \
    "$(signed -X POST -H "X-CSRF-Token: $csrf" "$url/sign-out")" 200
is "for good" "$(signed "$url/api/schools")" 401

guess() { # a wrong password; the status
    curl -s -m 20 -o /dev/null -w '%{http_code}\n' \
        -H 'Content-Type: application/json' \
        --data-binary '{"password": "wrong wrong wrong"}' "$url/sign-in"
}
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
    guess >"$dir/guess.$n" &
    guesses="$guesses $!"
done
wait $guesses
is "twelve guesses are all wrong" "$(sort -u "$dir"/guess.*)" 401
is "but few were looked at" \
    "$(grep -c 'a wrong password for the page' "$log")" 7 # two were before
is "and that is told once" \
    "$(grep -c 'too many wrong passwords for the page' "$log")" 1
is "now the right one is refused, too" "$(sign_in "$password")" 401

# ---- A session database that hangs ------------------------------------------

kill "$daemon"
wait "$daemon"
is "the daemon ends in peace" $? 0
mv "$log" "$log.1"
mkfifo "$dir/sql"
sqlite3 "$dir/session.db" <"$dir/sql" >"$dir/locked" 2>&1 &
exec 9>"$dir/sql"
echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1 + 1;' >&9
wait_for grep -q 2 "$dir/locked"
start_daemon
before=$(date +%s%N)
is "is away" "$(with_key "$url/api/schools")" 503
took=$((($(date +%s%N) - before) / 1000000))
[ "$took" -lt 2500 ] && tap_pass "which is said soon" || {
    tap_fail "which is said soon"
    note "$took ms"
}
is "in a sentence" "$(value '$.error')" "the session database does not answer"
is "nobody is synced because of it" \
    "$(with_key -X POST "$url/api/sync?schoolId=$one")" 503
is "it lives on" "$(ask "$url/health/live")" 200
exec 9>&-
back() {
    [ "$(with_key "$url/api/schools")" = 200 ]
}
wait_for back
is "and is well again" "$(with_key "$url/api/schools")" 200

# ---- Abuse ------------------------------------------------------------------

head -c 70000 /dev/zero | tr '\0' x >"$dir/much"
is "a long body is refused" "$(ask -H 'Content-Type: application/json' \
    --data-binary "@$dir/much" "$url/sign-in")" 413
ask -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
    --data-binary "@$dir/much" "$url/sign-in" >/dev/null
ask -H "X-Much: $(cat "$dir/much")" "$url/health/live" >/dev/null
ask "$url/$(cat "$dir/much")" >/dev/null
is "it lives after all that" "$(ask "$url/health/live")" 200
if command -v python3 >/dev/null; then
    growth=32 # for the allocator; a sanitizer keeps what was freed
    ! grep -q '__[at]san_init' "$CLEVERSYNC" || growth=1024
    ok "garbage does no harm" python3 "$srcdir/tests/web-abuse.py" "$url" \
        "$daemon" "$key" "$one" "$growth"
    ok "few of so many sign-ins were looked at" \
        [ "$(grep -c 'a wrong password for the page' "$log")" -le 10 ]
else
    skip "python3 is not installed" "garbage does no harm"
fi
is "it lives still" "$(ask "$url/health/live")" 200
kill "$daemon"
wait "$daemon"
is "and ends in peace, too" $? 0
for planted in "$key" "$password" "${hash##*\$}" "$csrf" "${cookie#*=}" evil; do
    if grep -q -e "$planted" "$log" "$log.1"; then
        tap_fail "the log does not hold $planted"
    else
        tap_pass "the log does not hold ${planted%"${planted#????}"}..."
    fi
done

# ---- TLS --------------------------------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 \
    -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$err"
set_up 'listen = 0.0.0.0:0' "tls_certificate = $dir/cert.pem" \
    "tls_key = $dir/nothing.pem"
exits 78 "a key that is not there" cs daemon
like "is named" "$err" 'tls_key: .*/nothing.pem cannot be read'
set_up 'listen = 0.0.0.0:0' "tls_certificate = $dir/cert.pem" \
    "tls_key = $dir/key.pem"
for mode in 604 602; do
    chmod $mode "$dir/key.pem"
    exits 78 "a key of mode $mode" cs daemon
    like "which is said" "$err" 'tls_key: .*/key.pem is open to every user'
done
chmod 640 "$dir/key.pem"
start_daemon
url=https://127.0.0.1:${url##*:}
is "beyond this machine it lives for all" "$(ask "$url/health/live")" 200
wait_for answers 200 /health/ready
is "and is ready for all" "$(ask "$url/health/ready")" 200
for path in /health/clever-auth /health/events /metrics /api/runs; do
    is "but $path is not for everybody" "$(ask "$url$path")" 401
    is "only for who has the key" "$(with_key "$url$path")" 200
done
is "there is no plain HTTP" "$(ask "http${url#https}/health/live")" 000
is "nor old TLS" "$(ask --tls-max 1.1 "$url/health/live")" 000
is "people can sign in" "$(sign_in "$password" -H "Origin: $url")" 200
like "with a cookie for TLS only" "$dir/head" \
    '^Set-Cookie: __Host-cleversync=[0-9a-f]{64}; .*; SameSite=Strict; Secure.?$'
cookie=$(cookie)
is "and are let in" "$(signed "$url/metrics")" 200
kill "$daemon"
wait "$daemon"
is "it ends in peace" $? 0
finish
