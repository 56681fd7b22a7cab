#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The lab from outside: over HTTP, with its faults.

. "${srcdir:-.}/tests/lib.sh"
requires curl

get() { # PATH...: of the district
    curl -sS -m 20 -H "Authorization: Bearer $token" "$lab_url$1"
}

status() { # PATH [CURL-OPTION...]: the status of the answer, 000: none
    path=$1
    shift
    curl -s -m 20 -o "$dir/body" -w '%{http_code}' \
        -H "Authorization: Bearer $token" "$@" "$lab_url$path"
}

post() { # PATH
    curl -sS -m 20 -X POST "$lab_url$1"
}

is() { # GOT WANTED DESCRIPTION
    if [ "$1" = "$2" ]; then
        tap_pass "$3"
    else
        tap_fail "$3"
        note "got $1, wanted $2"
    fi
}

holds() { # FILE TEXT DESCRIPTION
    if grep -aqF -e "$2" "$1"; then
        tap_pass "$3"
    else
        tap_fail "$3"
    fi
}

list_token() { # sets token from the list
    token=$(curl -sS -m 20 -u lab-client:lab-secret \
        "$lab_url/oauth/tokens?owner_type=district" |
        sed 's/.*"access_token":"\([^"]*\)".*/\1/')
}

fault() { # SPEC: this one and no other
    post /lab/faults/clear >"$dir/said"
    post "/lab/fault?spec=$1" >"$dir/said"
}

meets() { # STATUS SPEC: what the listing answers with it
    fault "$2"
    is "$(status "$people")" "$1" "$2 answers $1"
}

shows() { # TEXT SPEC: what the listing holds with it
    fault "$2"
    status "$people" >"$dir/said"
    holds "$dir/body" "$1" "$2 shows itself"
}

# ---- The command line -----------------------------------------------------

"$CLEVERSYNC" lab --no-such-option >"$dir/said" 2>"$dir/err"
is $? 2 "an unknown option is refused"
holds "$dir/err" --no-such-option "and named"
"$CLEVERSYNC" lab --fault stattus-500 >"$dir/said" 2>"$dir/err"
is $? 2 "an unknown fault is refused"
"$CLEVERSYNC" lab --list --seed 7 >"$dir/first"
"$CLEVERSYNC" lab --list --seed 7 >"$dir/second"
is "$(cat "$dir/first")" "$(cat "$dir/second")" "a seed makes the same schools"
"$CLEVERSYNC" lab --list-faults >"$dir/faults"
holds "$dir/faults" lone-surrogate "the faults are listed"

# ---- Clever ---------------------------------------------------------------

start_lab --students 25
school=$(sed -n 's/^school \([0-9a-f]*\) .*/\1/p' "$dir/lab" | head -n 1)
district=$(sed -n 's/^district \([0-9a-f]*\) .*/\1/p' "$dir/lab")
people="/v3.0/schools/$school/users?role=student&limit=10"
token=none

is "$(status /v3.0/districts)" 401 "a wrong token is refused"
is "$(curl -s -m 20 -o "$dir/body" -w '%{http_code}' -u lab-client:wrong \
    "$lab_url/oauth/tokens")" 401 "a wrong client is refused"
list_token
get /v3.0/districts >"$dir/body"
holds "$dir/body" "$district" "the token is the district's"
get "$people" >"$dir/body"
is "$(grep -o '"uri":"/v3.0/users/' "$dir/body" | wc -l | tr -d ' ')" 10 \
    "a page holds as many as were asked for"
holds "$dir/body" '"rel":"next","uri":"/v3.0/schools/' "next is relative"
is "$(curl -sS -m 20 -o "$dir/one" -o "$dir/two" -w '%{num_connects}' \
    -H "Authorization: Bearer $token" "$lab_url$people" "$lab_url$people")" \
    10 "a connection is kept"

# ---- Things happen ----------------------------------------------------------

id=$(post "/lab/add?school=$school&role=student")
is "${#id}" 24 "a student is added"
get "/v3.0/events?ending_before=last&limit=1" >"$dir/body"
holds "$dir/body" "$id" "and there is an event"
post "/lab/change?id=$id&field=first&value=%20Mia%E3%80%80" >"$dir/said"
curl -sS -m 20 "$lab_url/lab/truth?school=$school&role=student" >"$dir/truth"
holds "$dir/truth" "\"$id\":{\"FirstName\":\"Mia\"" "the truth is trimmed"
post /lab/log/clear >"$dir/said"
get /v3.0/schools >"$dir/body"
is "$(curl -sS -m 20 "$lab_url/lab/log" | tr -d '[]\n')" '"/v3.0/schools"' \
    "the log tells what was asked, and no controls"
post "/lab/token?district=$district" >"$dir/said"
is "$(status /v3.0/districts)" 401 "an old token dies"
list_token
is "$(status /v3.0/districts)" 200 "the new one is listed"

# ---- Faults -----------------------------------------------------------------

for code in 400 401 403 404 500 503; do
    meets $code status-$code
done
meets 429 storm-429,reset=5
meets 200 html-200
holds "$dir/body" '<title>' "and is HTML"
meets 200 empty-object
is "$(cat "$dir/body")" '{}' "and nothing else"
shows '"data":null' data-null
shows '"data":[]' empty-listing
shows '"http://elsewhere.invalid/' foreign-next
shows 'starting_after=000000000000000000000000' backward-next
shows 'A\u0000a' escaped-nul
shows 'A\ud83da' lone-surrogate
shows '"first":12345' number-for-text
shows '[[[[[[[[' deep
shows 'Somebody Else' duplicate-differs
shows '"data":[{"uri":' missing-inner
shows '"data":[{"data":{"district":' no-id
fault nul-byte
status "$people" >"$dir/said"
is "$(tr -dc '\000' <"$dir/body" | wc -c | tr -d ' ')" 1 "nul-byte shows itself"
fault huge-string
status "$people" >"$dir/said"
is "$(($(wc -c <"$dir/body") > 10000000))" 1 "huge-string shows itself"
fault wrong-district
status /v3.0/districts >"$dir/said"
is "$(grep -c "\"id\":\"$district\"" "$dir/body")" 0 "wrong-district shows itself"
fault cut-body
status "$people" >"$dir/said"
is "$(status "$people"; echo $?)" "20018" "cut-body ends early"
fault reset
is "$(status "$people")" 000 "reset gives no answer"
fault status-500,times=1
post "/lab/fault?spec=status-403,times=1" >"$dir/said"
is "$(status "$people") $(status "$people") $(status "$people")" \
    "500 403 200" "faults wait for their turn"
fault die-token,after=1
is "$(status "$people") $(status "$people") $(status "$people")" \
    "200 401 401" "a token dies on the way"
list_token
is "$(status "$people")" 200 "and there is a new one"
fault slow,ms=20
is "$(status "$people")" 200 "slow answers after all"
fault hang
is "$(status "$people" -m 0.3)" 000 "hang gives no answer"

# ---- The end ----------------------------------------------------------------

status "$people" -m 30 >"$dir/said" &
hung=$!
asked() {
    [ "$(curl -sS -m 20 "$lab_url/lab/log" | grep -c role=student)" -gt "$1" ]
}
wait_for asked 0
kill -TERM "$lab_pid"
wait "$lab_pid"
is $? 0 "the lab ends cleanly although somebody waits"
wait "$hung"
finish
