#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Who is told of runs: what arrives at a webhook and at Application Insights,
# each alert once whichever process finds it due, and what becomes of it when
# nobody takes it.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 40 --teachers 6
key=00000000-1111-2222-3333-444444444444
export CLEVERSYNCSOS__WEBHOOK__SECRET=hook-key
export CLEVERSYNCSOS__APPLICATIONINSIGHTS__CONNECTIONSTRING="\
InstrumentationKey=$key;IngestionEndpoint=$lab_url/"
write_config <<END
[sync]
full_sync_day =
[monitoring]
notifiers = webhook appinsights
alert_after_consecutive_failures = 2
[notifier.webhook]
url = $lab_url/hook
END
sed -i '/^\[retry\]/a clever_api_max_attempts = 0' "$config"
register
set -- $(prefixes)
one=$1
one_id=$(school_id "$one") other_id=$(school_id "$2")

# ---- What was told -------------------------------------------------------

told() { # QUERY: of requests (path, type, encoding, signature, body, status)
    curl -fsS -m 20 -o "$dir/telemetry" "$lab_url/lab/telemetry"
    sqlite3 :memory: "
        CREATE TABLE requests AS SELECT key AS number, value ->> 'path' AS path,
            value ->> 'type' AS type, value ->> 'encoding' AS encoding,
            value ->> 'signature' AS signature, value ->> 'body' AS body,
            value ->> 'status' AS status
            FROM json_each(readfile('$dir/telemetry'));
        CREATE TABLE events AS SELECT e.value AS event
            FROM requests, json_each(body, '\$.events') AS e
            WHERE requests.path = '/hook' AND status = 200;
        CREATE TABLE items AS SELECT number, e.value AS item
            FROM requests, json_each('[' || replace(rtrim(body, char(10)),
                char(10), ',') || ']') AS e WHERE requests.path = '/v2.1/track';
        $1"
}

events() { # [CONDITION]: what the webhook was told, but for runs that ended
    told "SELECT event ->> 'event' FROM events
        WHERE event ->> 'event' <> 'run_finished' AND ${1:-1}" | tr '\n' ' '
}

run() { # WORD...: after which only this run's news are there
    post /lab/telemetry/clear >/dev/null
    cs run "$@" >"$out" 2>"$err" </dev/null
    echo $? >"$dir/code"
}

code() {
    cat "$dir/code"
}

run
is "a run ends well" "$(code)" 0
is "the webhook is told so" "$(told "SELECT event ->> 'event',
    event ->> 'level', event ->> 'code', event ->> 'result',
    event ->> 'schools', event ->> 'right', event ->> 'inserted',
    length(event ->> 'id'), event ->> 'run' FROM events")" \
    "run_finished|information|0|ok|2|2|$(rows | wc -l | tr -d ' ')|32|$(history \
        RunId | head -n 1)"
is "in JSON" "$(told "SELECT path, type, encoding, status FROM requests
    WHERE path = '/hook'")" "/hook|application/json||200"

# The receiver's side of the contract.
told "SELECT body FROM requests WHERE path = '/hook'" >"$dir/body"
signature=$(told "SELECT signature FROM requests WHERE path = '/hook'")
seconds=${signature#t=}
seconds=${seconds%%,*}
if command -v openssl >/dev/null; then
    is "its signature is right" "${signature#*,v1=}" "$(
        printf '%s.%s' "$seconds" "$(cat "$dir/body")" |
            openssl dgst -sha256 -hmac hook-key | sed 's/.* //'
    )"
else
    skip "openssl is not installed" "its signature is right"
fi
is "and fresh" "$(($(date +%s) - seconds < 60))" 1

is "telemetry is compressed" "$(told "SELECT DISTINCT type, encoding, status
    FROM requests WHERE path = '/v2.1/track'")" \
    "application/x-json-stream|gzip|200"
is "each item has its key, time, version and role" "$(told "SELECT DISTINCT
    item ->> 'iKey', item ->> 'ver', item ->> '\$.data.baseData.ver',
    item ->> '\$.tags.\"ai.cloud.role\"',
    item ->> '\$.tags.\"ai.operation.id\"',
    item ->> 'time' LIKE '20__-__-__T__:__:__.___Z' FROM items")" \
    "$key|1|2|cleversync|$(history RunId | head -n 1)|1"
is "all kinds are there" "$(told "SELECT item ->> 'name',
    item ->> '\$.data.baseType', count(*) FROM items
    WHERE item ->> 'name' NOT LIKE '%.Metric' GROUP BY 1, 2")" \
    "Microsoft.ApplicationInsights.Event|EventData|1
Microsoft.ApplicationInsights.RemoteDependency|RemoteDependencyData|2
Microsoft.ApplicationInsights.Request|RequestData|1"
is "a metric is alone in its item" "$(told "SELECT DISTINCT
    item ->> '\$.data.baseType',
    json_array_length(item, '\$.data.baseData.metrics') FROM items
    WHERE item ->> 'name' LIKE '%.Metric'")" "MetricData|1"
metric="item -> 'data' -> 'baseData'"
is "and counts by school and entity" "$(told "SELECT
    $metric ->> '\$.metrics[0].name', $metric ->> '\$.metrics[0].value',
    $metric ->> '\$.properties.entity' FROM items
    WHERE $metric ->> '\$.properties.school' = '$one_id'
    AND $metric ->> '\$.metrics[0].name' LIKE 'rows%' ORDER BY 3")" \
    "rows_inserted|40.0|Student
rows_inserted|6.0|Teacher"

run --dry-run
is "a dry run tells nothing" "$(told 'SELECT count(*) FROM requests')" 0

# ---- Alerts: each run is another process ---------------------------------

broken="status-500,path=/schools/$one_id/users"
fault "$broken"
run --full
is "a failure is told" "$(code) $(events)" "3 school_failed "
is "with its school and its reason" "$(told "SELECT event ->> 'school',
    event ->> 'code', event ->> 'result', event ->> 'level' FROM events
    WHERE event ->> 'event' = 'school_failed'")" \
    "$one_id|5|transient|error"
is "and as exceptions" "$(told "SELECT item ->> '\$.data.baseType',
    item ->> '\$.data.baseData.exceptions[0].message' FROM items
    WHERE item ->> 'name' LIKE '%.Exception' ORDER BY 2")" \
    "ExceptionData|Student failed: transient (exit code 5)
ExceptionData|Teacher failed: transient (exit code 5)"
run --full
is "the second one in a row is an alert" "$(events)" "school_failed alert "
is "which says how many" "$(told "SELECT event ->> 'failures',
    event ->> 'school' FROM events WHERE event ->> 'event' = 'alert'")" \
    "2|$one_id"
like "the log says it, too" "$err" 'alert: 2 runs in a row have failed'
run --full
is "the third one is none" "$(events)" "school_failed "
fault
run --full
is "a success is a recovery" "$(events)" "recovered "
is "which says from how many" "$(told "SELECT event ->> 'failures',
    event ->> 'school' FROM events WHERE event ->> 'event' = 'recovered'")" \
    "3|$one_id"
run --full
is "and only one" "$(events)" ""
fault "$broken"
run --full
fault
run --full
is "one failure alone is followed by nothing" "$(events)" ""
fault "status-500,path=/schools"
run --school "$one_id" --full
run --school "$other_id" --full
run --school "$one_id" --full
is "each school has failures of its own" \
    "$(events "event ->> 'school' = '$one_id'")" "school_failed alert "
run --school "$other_id" --full
is "so has the other" "$(events "event ->> 'school' = '$other_id'")" \
    "school_failed alert "
fault
run --full
is "both recover" "$(events)" "recovered recovered "

# One that dies can tell nobody; the next one counts it.
dies() {
    last=$(sql session "SELECT max(SyncId) FROM SyncHistory")
    fault "hang,path=/schools/$one_id/users"
    "$CLEVERSYNC" --config "$config" run --full --school "$one_id" \
        >"$out" 2>"$err" </dev/null &
    pid=$!
    wait_for in_progress
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
}

in_progress() {
    [ "$(sql session "SELECT count(*) FROM SyncHistory
        WHERE Status = 'InProgress' AND SyncId > $last")" = 2 ]
}

fault "$broken"
run --full --school "$one_id"
dies
dies
fault "$broken"
run --full --school "$one_id"
is "after two that died the alert is not lost" \
    "$(events) $(told "SELECT event ->> 'failures' FROM events
    WHERE event ->> 'event' = 'alert'")" "school_failed alert  4"
dies
fault "$broken"
run --full --school "$one_id"
is "nor does it come again" "$(events)" "school_failed "
fault
run --full
is "recovery comes once" "$(events)" "recovered "

# ---- Held, lost cursors, no run at all -----------------------------------

tap_truth "$one" student
for id in $(sqlite3 :memory: "SELECT key FROM json_each(
    readfile('$dir/truth')) LIMIT 15"); do
    post "/lab/delete?id=$id" >/dev/null
done
run --set sync.default_mode=full
is "what is held is told" "$(code) $(told "SELECT event ->> 'event',
    event ->> 'school', event ->> 'entity', event ->> 'held',
    event ->> 'level' FROM events WHERE event ->> 'event' <> 'run_finished'
    ")" "3 held|$one_id|Student|15|warning"
post /lab/noise >/dev/null
post "/lab/events?keep=1" >/dev/null
post /lab/noise >/dev/null
post "/lab/events?keep=1" >/dev/null
run
is "so is a cursor that was lost" "$(told "SELECT DISTINCT event ->> 'event',
    event ->> 'level' FROM events WHERE event ->> 'event' = 'cursor_lost'")" \
    "cursor_lost|warning"
mv "$dir/session.db" "$dir/away.db"
run
is "a run that cannot begin is told" "$(code) $(told "SELECT
    event ->> 'event', event ->> 'schools', event ->> 'code',
    event ->> 'level' FROM events")" "78 run_finished|0|78|error"
mv "$dir/away.db" "$dir/session.db"

# ---- Nobody knows a child by it ------------------------------------------

for school in $one "$2"; do
    for role in student teacher; do
        tap_truth "$school" "$role"
        sqlite3 :memory: "SELECT key || char(10) || (value ->> 'LastName') ||
            char(10) || (value ->> 'Email')
            FROM json_each(readfile('$dir/truth'))"
    done
done | grep . | sort -u >"$dir/people"
fault "$broken"
post /lab/telemetry/clear >/dev/null
for fault in no-id number-for-text status-403 html-200 bad-utf8; do
    fault "$fault,role=student"
    cs run --full >/dev/null 2>&1
done
fault
cs run --full >/dev/null 2>&1
told "SELECT body FROM requests" >"$dir/bodies"
is "much was told" "$(($(wc -c <"$dir/bodies") > 20000 &&
    $(wc -l <"$dir/people") > 100))" 1
is "but of no person" "$(grep -Fow -f "$dir/people" "$dir/bodies" |
    head -n 3)" ""
unlike "and no secret" "$dir/bodies" 'hook-key|lab-secret|lab-token'

# ---- Those who do not take it --------------------------------------------

finished() { # how often the webhook took the end of a run
    told "SELECT count(*) FROM events WHERE event ->> 'event' = 'run_finished'"
}

fault "status-503,path=/hook,times=2"
run
is "what was refused comes again" "$(code) $(finished) $(told \
    "SELECT group_concat(status) FROM requests WHERE path = '/hook'")" \
    "0 1 503,503,200"
like "which the log says" "$err" \
    'notifier.webhook: events wait, and are tried again: .*/hook answered 503'
fault "status-503,path=/hook,times=2,retry_after=1"
run --set retry.clever_api_backoff_base=60
is "when its receiver says" "$(code) $(finished)" "0 1"
fault "partial,path=/v2.1"
run
told "SELECT status, count(*), lead(count(*)) OVER (ORDER BY number)
    FROM requests JOIN items USING (number) GROUP BY number" >"$dir/tries"
like "telemetry may be accepted in part" "$dir/tries" '^206[|]'
# What was raised meanwhile may go with it.
is "then the half of the rest that can heal comes again" \
    "$(awk -F'|' '$1 == 206 && $3 < int((int($2 / 2) + 1) / 2)' \
        "$dir/tries")" ""
is "until there is none" "$(tail -n 1 "$dir/tries")" "200|1|"
fault "redirect,path=/v2.1,times=1"
run
is "one that has moved is followed" "$(code) $(told "SELECT
    status FROM requests WHERE path = '/v2.1/track' LIMIT 2" |
    tr '\n' ' ')" "0 308 200 "
fault "status-402,path=/v2.1"
run
is "without a quota nothing is repeated" "$(code) $(finished)" "0 1"
like "and that is said" "$err" 'quota is used up \(status 402\)'
fault "hang,path=/hook"
run
is "one that hangs does not hold up the end" "$(code) $(told "SELECT
    count(*) FROM requests WHERE path = '/v2.1/track' AND status = 200")" \
    "0 $(told "SELECT count(*) FROM requests WHERE path = '/v2.1/track'")"
like "and its loss is said" "$err" \
    'notifier.webhook: [1-9][0-9]* events could not be delivered in time'
fault

# ---- A test --------------------------------------------------------------

post /lab/telemetry/clear >/dev/null
ok "a test is sent to each" cs notify test
like "the one" "$out" '^notifier.webhook +ok'
like "and the other" "$out" '^notifier.appinsights +ok'
is "it arrives" "$(events) $(told "SELECT item ->> '\$.data.baseData.name'
    FROM items")" "test  test"
ok "one of them, in JSON" cs notify test webhook -o json
is "which has all" "$(sqlite3 :memory: "SELECT value ->> 'notifier',
    value ->> 'result', value ->> 'code', value ->> 'message'
    FROM json_each(readfile('$out'), '\$.notifiers')")" \
    "notifier.webhook|ok|0|"
fault "status-401,path=/hook"
exits 3 "one that refuses it" cs notify test
like "is named, with its answer" "$out" \
    '^notifier.webhook +secret .*/hook answered 401'
exits 12 "alone it has its own code" cs notify test webhook
fault
exits 12 "so has one without its secret" env \
    -u CLEVERSYNCSOS__WEBHOOK__SECRET "$CLEVERSYNC" --config "$config" \
    notify test webhook
exits 2 "an unknown one is no notifier" cs notify test pager
exits 78 "nor are none" cs notify test --set monitoring.notifiers=
like "which is said" "$err" 'name some in \[monitoring\] notifiers'
ok "their secrets are tried with the others" cs secrets test
like "by name" "$out" '^CleverSyncSOS--Webhook--Secret +credential.env +found'
exits 78 "an address has to be one" cs check-config \
    --set notifier.webhook.url=pager.example.edu
exits 78 "nobody is told twice" cs check-config \
    --set "monitoring.notifiers=webhook webhook"
finish
