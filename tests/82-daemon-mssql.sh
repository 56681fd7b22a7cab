#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The daemon with all its databases on SQL Server, on a clock that is turned;
# and what an administrator does meanwhile and afterwards.

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/mssql-lib.sh"
requires curl sqlite3 jq
requires_mssql

start_lab --schools 2 --students 24 --teachers 4 --seed 82
set -- $(prefixes)
one=$1 two=$2
one_id=$(school_id "$one")
two_id=$(school_id "$two")
write_config <<'END'
[sync]
full_sync_day =
page_size = 10
page_size_max = 10
[health]
listen = 127.0.0.1:0
[schedule]
cron_expression = 0 0 * * * *
END
mssql_config Daemon--Session 'Daemon--{school_prefix}' <"$config" \
    >"$config.new" && mv "$config.new" "$config"
for name in Session "$one" "$two"; do
    new_database || skip_all "the server makes no databases"
    echo "$name $mssql_database" >>"$dir/databases"
    mssql_secret "Daemon--$name"
done
register
key=planted-api-key-6610
export CLEVERSYNCSOS__API__KEY=$key
log=$dir/log

# ---- The databases ----------------------------------------------------------

ask() { # NAME SQL: rows, joined by "|", without what ends a line elsewhere
    mssql "$2" "$(awk -v name="$1" '$1 == name { print $2 }' \
        "$dir/databases")" | tr -d '\r' | tr '\t' '|'
}

people() { # PREFIX: who is active, and called what
    ask "$1" "SELECT CleverStudentId, LastName FROM Students WHERE IsActive = 1
        UNION ALL SELECT CleverTeacherId, LastName FROM Teachers
        WHERE IsActive = 1" | sort
}

truth() { # PREFIX: who should be
    for role in student teacher; do
        tap_truth "$1" $role
        jq -r 'to_entries[] | "\(.key)|\(.value.LastName)"' "$dir/truth"
    done | sort
}

is_right() { # DESCRIPTION PREFIX
    people "$2" >"$dir/people"
    truth "$2" | diff "$dir/people" - >"$dir/differs"
    is "$1" "$(head -n 5 "$dir/differs")" ""
}

both_right() { # DESCRIPTION
    is_right "$1: the one" "$one"
    is_right "$1: the other" "$two"
}

row() { # COLUMN: of the schedule
    ask Session "SELECT $1 FROM SyncSchedule"
}

finished() {
    [ -n "$(row 'COALESCE(LastRunId, CHAR(32))' | tr -d ' ')" ]
}

# ---- The clock, and the daemon ------------------------------------------------

clock=$dir/clock
hour=$(($(date +%s) / 3600))
turn() { # HOURS: the daemons' clock is set to so many full hours on
    hour=$((hour + $1))
    echo "$((hour * 3600 + 2 - $(date +%s)))" >"$clock.new"
    mv "$clock.new" "$clock"
}

tick() { # how the log calls this hour
    date -u -d "@$((hour * 3600))" +%Y-%m-%dT%H:00:00.000Z
}

daemon() { # [WORD...]: one more; sets $daemon.  Its log is $log.
    CLEVERSYNC_TEST_CLOCK_OFFSET=$clock "$CLEVERSYNC" --config "$config" \
        daemon "$@" >>"$log" 2>&1 </dev/null &
    daemon=$!
}

says() { # DESCRIPTION REGEX: soon
    wait_for grep -Eq -e "$2" "$log"
    like "$1" "$log" "$2"
}

api() { # METHOD PATH: its answer, in $out; 503 is repeated
    curl -fsS -m 60 --retry 9 -X "$1" -H "Authorization: Bearer $key" \
        -o "$out" "$url$2"
}

value() { # PATH: of the answer
    jq -r "$1" "$out"
}

ended() { # RUN
    api GET "/api/runs/$1" && [ "$(value .state)" = ended ]
}

syncs() { # DESCRIPTION STATUS QUERY: a run by the API, to its end
    api POST "/api/sync?$3"
    run=$(value .run_id)
    wait_for ended "$run"
    is "$1" "$(value .status)" "$2"
}

: >"$log"
turn 0
daemon
says "it is ready" 'the daemon is ready'
url=$(sed -n 's/.*: listening on //p' "$log")
reached() { # a server that is slow is Degraded
    [ "$(curl -s -m 60 "$url/health/clever-auth" | jq -r .last_success)" != null ]
}
wait_for reached
is "it is ready for syncs" \
    "$(curl -s -m 60 -o "$out" -w '%{http_code}' "$url/health/ready")" 200
wait_for test -n "$(row LastTick)"

# ---- By itself ----------------------------------------------------------------

turn 1
says "the first tick" "tick $(tick) is there: run "
says "ends well" 'run .* ended: ok, 2 of 2 schools done'
wait_for finished
both_right "the schools are as in Clever"
mover=$(person "$one" student 2)
gone=$(person "$one" student 3)
post "/lab/change?id=$(person "$one" student 4)&field=last&value=Canary" >"$out"
post "/lab/delete?id=$gone" >"$out"
post "/lab/move?id=$mover&school=$two_id" >"$out"
: >"$log"
turn 1
says "the second one, by events" 'run .* ended: ok, 2 of 2 schools done'
wait_for finished
both_right "they are right again"
ok "what was done is asked for" cs changes --id "$gone" -o json
is "and known" "$(jq -r '.changes[] | "\(.change) \(.why)"' "$out")" \
    "$(printf 'deactivate feed\ninsert listing')"
: >"$log"
turn 3
says "two ticks were missed" '2 ticks were missed and are skipped'
says "the newest is run" "tick $(tick) is there: run "
wait_for finished
is "they are counted" "$(row Skipped)" 2

# ---- Two of them --------------------------------------------------------------

first=$daemon
: >"$log"
daemon --set health.listen=
says "another daemon" 'the daemon is ready'
before=$(ask Session 'SELECT MAX(SyncId) FROM SyncHistory')
turn 1
says "one claims the tick" "tick $(tick) is there: run "
says "the other one shares it, or comes too late" \
    'tick .* (is shared with|was run by) another daemon'
wait_for finished
both_ended() {
    [ "$(grep -Ec 'run .* ended: |was run by another' "$log")" -eq 2 ]
}
wait_for both_ended
is "each school was synced once" "$(ask Session "SELECT COUNT(*)
    FROM SyncHistory WHERE SyncId > $before AND EntityType = 'Student'
        AND Status = 'Success'")" 2 ||
    ask Session "SELECT ErrorMessage FROM SyncHistory
        WHERE SyncId > $before AND Status = 'Failed'" | sed 's/^/#   /'
kill -TERM $daemon
wait $daemon
is "it stops" $? 0
daemon=$first

# ---- As the page does -----------------------------------------------------------

api POST "/api/schools/$one_id/require-full"
api GET /api/schools
is "a full sync is required" "$(value ".schools[] |
    select(.school_id == \"$one_id\").requires_full")" true
for id in $(tap_truth "$one" student && jq -r 'keys[:15][]' "$dir/truth"); do
    post "/lab/delete?id=$id" >/dev/null
done
syncs "many leave" partial "schoolId=$one_id"
api GET /api/holds
is "they are held" "$(value '.holds[0].held')" 15
hold=$(value '.holds[0].hold')
api POST "/api/holds/$hold/approve"
is "a person lets them go" "$(value .hold)" "$hold"
syncs "with the next full sync they do" ok "schoolId=$one_id&full=true"
is_right "as is right" "$one"
api GET /api/rejects
is "nothing is set aside" "$(value .total)" 0
curl -fsS -m 60 -o "$dir/metrics" "$url/metrics"
is "metrics know both schools" \
    "$(grep -c '^cleversync_last_success_timestamp_seconds{.*} [1-9]' \
        "$dir/metrics")" 4

# ---- Purging --------------------------------------------------------------------

ask "$two" "UPDATE Students SET IsActive = 0, DeactivatedAt = '2024-01-31'
    WHERE CleverStudentId IN (SELECT TOP 3 CleverStudentId FROM Students
        ORDER BY CleverStudentId)"
total=$(ask "$two" 'SELECT COUNT(*) FROM Students')
ok "who is inactive for long is shown" cs purge --older-than 365d
like "by number" "$out" "^$two Student: 3 of $total rows\$"
is "and stays" "$(ask "$two" 'SELECT COUNT(*) FROM Students')" "$total"
ok "with a word on it" cs purge --older-than 365d --yes
is "they are gone" "$(ask "$two" 'SELECT COUNT(*) FROM Students')" \
    $((total - 3))
is "which is in the log of changes" "$(ask Session "SELECT COUNT(*)
    FROM SyncChange WHERE Why = 'purge'")" 3
syncs "the next full sync" ok "schoolId=$two_id&full=true"
is_right "brings back who is in Clever" "$two"

# ---- A school's database ------------------------------------------------------------

ask "$one" "UPDATE SyncState SET CleverSchoolId = 'number1'"
syncs "another school's database is not touched" needs-a-person \
    "schoolId=$one_id"
ok "a new stamp is shown" cs school restamp "$one_id"
like "first" "$out" '^nothing is done without --yes$'
ok "with a word on it" cs school restamp "$one_id" --yes
syncs "the school is synced again" ok "schoolId=$one_id"
ask "$one" "DROP TABLE SyncState; UPDATE Students SET
    CleverStudentId = CONCAT('other', CleverStudentId)"
syncs "a database of strangers neither" needs-a-person "schoolId=$one_id"
ok "somebody knows better" cs school adopt "$one_id" --yes
syncs "so it is synced" ok "schoolId=$one_id"
ok "what would go with a school" cs school remove "$two_id"
like "is shown" "$out" 'would be removed, and with it [0-9]+ rows of history'
ok "with a word on it" cs school remove "$two_id" --yes
is "it goes" "$(ask Session "SELECT COUNT(*) FROM Schools")/$(ask Session \
    "SELECT COUNT(*) FROM SyncHistory WHERE SchoolId NOT IN
        (SELECT SchoolId FROM Schools)")" 1/0
is_right "but for its own database" "$two"

# ---- The end ------------------------------------------------------------------------

: >"$log"
turn 1
says "the next tick" 'run .* ended: ok, 1 of 1 schools done'
wait_for finished
kill -TERM $daemon
wait $daemon
is "it stops" $? 0
finish
