#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What history and status say of syncs, to people and to programs.

. "${srcdir:-.}/tests/lib.sh"
requires sqlite3 jq
start_lab --schools 2 --students 20 --teachers 3
write_config </dev/null
district=$(awk '$1 == "district" { print $2; exit }' "$dir/lab")
first=$(awk '$1 == "school" { print $2; exit }' "$dir/lab")

cs db init >"$out" 2>&1
cs district add --id "$district" --name Lab --prefix Lab >>"$out" 2>&1
ok "the schools are registered" cs school import --district "$district" \
    --active

ok "history before any run is no error" cs history
like "and says so" "$out" '^no syncs yet'
ok "status before any run is no error" cs status
like "and says so for each school and entity" "$out" ' Student +never '
is "in two lines a school" "$(wc -l <"$out")" 5

ok "a run" cs run
ok "history lists it" cs history
like "with who, what and how" "$out" ' Student +Full +Success '
ok "as JSON, too" cs history --limit 100 -o json
is "with a row for each school and entity" "$(jq -r '[.history[] |
    select(.entity == "Student" or .entity == "Teacher") |
    select(.status == "Success")] | length' "$out")" 4
is "newest first" "$(jq -r '[.history[].sync_id] == ([.history[].sync_id] |
    sort | reverse)' "$out")" true
ok "of one school" cs history --school "$first" -o json
is "there is only that one" "$(jq -r '[.history[].school_id] | unique |
    join(" ")' "$out")" "$first"
ok "of a few" cs history --limit 1 -o json
is "there are no more" "$(jq '.history | length' "$out")" 1
exits 2 "of nobody there is none" cs history --school nope
exits 2 "no rows is no limit" cs history --limit 0

ok "status shows the last sync" cs status -o json
is "with its result" "$(jq -r '[.schools[].status] | unique | join(" ")' \
    "$out")" Success
is "and the rows that it read" "$(jq -r '.schools[] |
    select(.school_id == "'"$first"'" and .entity == "Teacher") | .read' \
    "$out")" "$(cs history --school "$first" -o json | jq -r '.history[] |
    select(.entity == "Teacher") | .read')"
path=$(jq -r '.schools[0].database' "$out")
ok "and the database that it filled" test -s "$path"

# A process that died leaves its rows open; the next run closes them.
sqlite3 "$dir/session.db" "UPDATE SyncHistory SET Status = 'InProgress',
    SyncEndTime = NULL, RunId = 'dead' WHERE EntityType = 'Student'"
ok "status shows what is open" cs status
like "as it is" "$out" ' Student +InProgress '
ok "the next run" cs run
is "closes what a dead one left" "$(sql session "SELECT count(*), count(DISTINCT
    Status), max(Status), max(ErrorMessage) <> '' FROM SyncHistory
    WHERE RunId = 'dead'")" "2|1|Failed|1"


# ---- What ends a command from outside ----------------------------------------

start_lab --schools 2 --fault 'hang,path=/users' # never answers
write_config </dev/null
asked() { # the run has a row open, so it is reading
    [ "$(sql session "SELECT count(*) FROM SyncHistory
        WHERE Status = 'InProgress'")" -gt 0 ]
}
interrupted() { # SIGNAL: what a run ends with that gets it
    "$CLEVERSYNC" --config "$config" run >"$out" 2>"$err" </dev/null &
    pid=$!
    wait_for asked
    kill -s "$1" "$pid"
    wait "$pid"
}
interrupted TERM
is "SIGTERM ends a run with 128 and its number" $? 143
is "and nothing is left open" "$(sql session "SELECT count(*) FROM SyncHistory
    WHERE Status = 'InProgress'")" 0

exits 1 "a full output is an error" \
    sh -c '"$CLEVERSYNC" --config "$1" status >/dev/full' sh "$config"
like "and said" "$err" 'standard output cannot be written'
finish
