#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Health: what a daemon depends on goes down and comes up, and is told wrongly
# for at most one cache period.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 1 --students 4 --teachers 1 --vault "$dir"
set_up() { # CREDENTIALS
    write_config <<END
[sync]
default_mode = full
[schedule]
cron_expression =
[health]
listen = 127.0.0.1:0
cache_duration_seconds = 1
timeout_milliseconds = 5000
[credential.keyvault]
base_url = $lab_url/
metadata_url = $lab_url/metadata/identity/oauth2/token
retry_delay_seconds = 0
END
    sed "s/^credentials = .*/credentials = $1/" "$config" >"$config.new" &&
        mv "$config.new" "$config"
}
set_up 'env keyvault clever-oauth'
register
log=$dir/log
key=planted-api-key-5521
export CLEVERSYNCSOS__API__KEY=$key

url() {
    sed -n 's/.*: listening on //p' "$log"
}

listens() {
    [ -n "$(url)" ]
}

start_daemon() {
    : >"$log"
    "$CLEVERSYNC" --config "$config" daemon >"$log" 2>&1 </dev/null &
    daemon=$!
    wait_for listens || {
        note "the daemon did not come up:"
        sed 's/^/#   /' "$log"
        exit 99
    }
    url=$(url)
}

look() { # DEPENDENCY: sets $age, of the last look at it, and the $state told
    case $1 in
    source.clever-events) which=events ;;
    *) which=clever-auth ;;
    esac
    curl -sS -m 20 -o "$out" "$url/health/$which"
    told=$(sqlite3 :memory: "SELECT json_extract(value, '\$.state') || ' ' ||
            CAST(json_extract(value, '\$.age_seconds') * 1000 AS INTEGER)
        FROM json_each(readfile('$out'), '\$.dependencies')
        WHERE json_extract(value, '\$.name') = '$1'")
    state=${told% *} age=${told##* }
}

# The first look that ends from now on may have begun before; the second one
# has seen what is so, and its period is the last in which it is told wrongly.
tells() { # DESCRIPTION DEPENDENCY STATE
    local landed=0 last=0 turns=600
    while [ "$landed" -lt 2 ] && [ "$turns" -gt 0 ]; do
        turns=$((turns - 1))
        look "$2"
        [ "${age:-$last}" -ge "$last" ] || landed=$((landed + 1))
        last=${age:-0}
        sleep 0.05
    done
    is "$1" "$state" "$3"
}

ready() { # STATUS
    [ "$(curl -s -m 20 -o "$out" -w '%{http_code}' "$url/health/ready")" = "$1" ]
}

begin_sync() { # sets $run
    curl -sS -m 20 -X POST -H "Authorization: Bearer $key" -o "$out" \
        "$url/api/sync"
    run=$(sqlite3 :memory: "SELECT json_extract(readfile('$out'), '\$.run_id')")
}

has_ended() {
    grep -q "run $run.* ended: " "$log"
}

syncs() { # DESCRIPTION: a run, begun now, ends well
    begin_sync
    wait_for has_ended
    is "$1" "$(sed -n "s/.*run $run.* ended: \([a-z]*\).*/\1/p" "$log")" ok
}

start_daemon
wait_for ready 200
is "it is ready" "$(ready 200 && echo yes)" yes

# ---- Clever ---------------------------------------------------------------------

fault reset,path=/v3.0
tells "Clever is away" source.clever-data Unhealthy
tells "so are its events, without which it goes on" source.clever-events \
    Degraded
fault status-503,path=/v3.0/events
tells "Clever is back" source.clever-data Healthy
tells "its events are still away" source.clever-events Degraded
fault
tells "they are back, too" source.clever-events Healthy

# The token is dead, and the login that would give another is refused.
fault status-401,path=/oauth/tokens die-token,path=/v3.0
tells "nobody may log in" source.clever-data Unhealthy
like "and the client's secret is named" "$log" \
    'secret CleverSyncSOS--Clever--ClientSecret: refused by the service'
lines=$(grep -c '' "$log")
tells "each look finds it so" source.clever-data Unhealthy
is "and has nothing new to say" "$(sed "1,${lines}d" "$log")" ""
fault
syncs "as soon as one may, a sync begins and ends well"
fault status-401,path=/oauth/tokens die-token,path=/v3.0
tells "nobody may log in again" source.clever-data Unhealthy
is "of a token that was good until now that is news" \
    "$(grep -c 'secret .*--AccessToken: refused by the service' "$log")" 2
fault
tells "everybody may" source.clever-data Healthy

# ---- The secret store -------------------------------------------------------------

fault vault-firewall
tells "the vault keeps us out" credential.keyvault Degraded
tells "Clever is well without it" source.clever-data Healthy
fault
tells "it lets us in" credential.keyvault Healthy
fault status-503,path=/secrets
tells "the vault is away" credential.keyvault Degraded
fault
tells "it is back" credential.keyvault Healthy

# ---- The session database ---------------------------------------------------------

mv "$dir/session.db" "$dir/elsewhere.db"
tells "the session database is gone" sink.session Unhealthy
is "so it is not ready" "$(ready 503 && echo yes)" yes
mv "$dir/elsewhere.db" "$dir/session.db"
tells "it is back" sink.session Healthy
is "so it is ready" "$(ready 200 && echo yes)" yes
cp "$dir/session.db" "$dir/copy.db"
mv "$dir/copy.db" "$dir/session.db"
tells "it may be replaced" sink.session Healthy
chmod 000 "$dir/session.db"
if [ -r "$dir/session.db" ]; then
    skip "root may read everything" "nobody may read it"
else
    tells "nobody may read it" sink.session Unhealthy
fi
chmod 600 "$dir/session.db"
echo "this is no database" >"$dir/other.db"
mv "$dir/session.db" "$dir/elsewhere.db"
mv "$dir/other.db" "$dir/session.db"
tells "it is something else" sink.session Unhealthy
mv "$dir/elsewhere.db" "$dir/session.db"
tells "it is what it was" sink.session Healthy
syncs "and a sync ends well"

kill -TERM $daemon
wait $daemon
is "it stops" $? 0
finish
