#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# How long the daemon's health takes to be told while eight schools are synced
# and a store of secrets hangs.

. "${srcdir:-.}/tests/bench-lib.sh"

key=planted-api-key-8812
export CLEVERSYNCSOS__API__KEY=$key
mkdir "$dir/arc"
start_lab --schools 8 --students 2000 --teachers 200 --vault "$dir/arc" \
    --fault hang,path=CleverSync--Health--Check
export AZURE_TENANT_ID=lab-tenant AZURE_CLIENT_ID=lab-client \
    AZURE_CLIENT_SECRET=lab-secret AZURE_AUTHORITY_HOST="$lab_url"
write_config <<END
[health]
listen = 127.0.0.1:0
cache_duration_seconds = 5
[credential.keyvault]
base_url = $lab_url
[sync]
default_mode = full
full_sync_day =
[concurrency]
max_schools_in_parallel = 8
[schedule]
cron_expression =
END
sed -i 's/^credentials = .*/credentials = env clever-oauth keyvault/' "$config"
register
"$CLEVERSYNC" --config "$config" daemon >"$dir/log" 2>&1 </dev/null &
daemon=$!
listens() {
    grep -q ': listening on ' "$dir/log"
}
wait_for listens || {
    tail -n 5 "$dir/log"
    exit 1
}
url=$(sed -n 's/.*: listening on //p' "$dir/log")

ask() { # PATH
    curl -s -m 20 -H "Authorization: Bearer $key" "$url$1"
}
hangs() { # the store is looked at, and has not answered
    ask /health/clever-auth | grep -Eq \
        'credential.keyvault[^}]*"Degraded"[^}]*"no answer (yet|in time)"'
}
eight() { # schools are being synced
    ask "/api/runs/$run" >"$dir/run"
    [ "$(grep -o '"state": *"running"' "$dir/run" | wc -l)" -eq 9 ]
}

# All schools over and over; notes each run that was begun.
again_and_again() {
    while kill -0 "$daemon"; do
        curl -s -m 20 -X POST -H "Authorization: Bearer $key" "$url/api/sync" |
            sed -n 's/.*"run_id": *"\([^"]*\)".*/\1/p' >>"$dir/begun"
        sleep 0.02
    done
}
wait_for hangs || echo "MISSED: the store does not hang" || missed=1
: >"$dir/begun"
again_and_again 2>"$err" &
wait_for test -s "$dir/begun"
run=$(head -n 1 "$dir/begun")
wait_for eight || {
    echo "MISSED: eight schools are not synced at once"
    missed=1
}

read -r middle most longest <<END
$("$builddir/tests/bench-health" 10000 "$url/health/clever-auth" \
    "$url/health/events" "$url/health/live" "$url/health/ready")
END
hangs || {
    echo "MISSED: the store does not hang any more"
    missed=1
}
synced=$(grep -c 'run .* ended: ok, 8 of 8 schools done' "$dir/log")
echo "milliseconds for health, 10,000 times while eight schools were synced" \
    "($synced times) and a store hung: median $middle, 99 % $most," \
    "longest $longest"
at_most "milliseconds, 99 %" "$most" 20
kill "$daemon"
exit $missed
