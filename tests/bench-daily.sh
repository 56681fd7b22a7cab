#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Every day after the first: incremental runs, slow answers, many schools, many
# processes; each as a ratio within this run.

. "${srcdir:-.}/tests/bench-lib.sh"

# ---- 100 events against 10,000 students -----------------------------------

start_lab --schools 1 --students 10000 --teachers 500
quiet_config </dev/null
empty_databases
cs run >/dev/null || exit 1
database=$(ls "$dir"/*.db | grep -v session)
for turn in 1 2 3 4 5 6 7 8 9; do
    cost "$CLEVERSYNC" --config "$config" run --full
    echo "$cpu" >>"$dir/full"
    cost "$CLEVERSYNC" --config "$config" run
    echo "$cpu" >>"$dir/idle"
    sqlite3 "$database" "SELECT CleverStudentId FROM Students ORDER BY
        StudentId LIMIT 100 OFFSET $((turn * 200))" |
        while read -r id; do
            curl -s -X POST -o "$out" \
                "$lab_url/lab/change?id=$id&field=last&value=Turn$turn"
        done
    cost "$CLEVERSYNC" --config "$config" run
    echo "$cpu" >>"$dir/events"
    changed=$(sqlite3 "$dir/session.db" "SELECT RecordsUpdated FROM SyncHistory
        WHERE EntityType = 'Student' ORDER BY SyncId DESC LIMIT 1")
    [ "$changed" -eq 100 ] || {
        echo "MISSED: $changed rows were changed by 100 events"
        missed=1
    }
done
full=$(median <"$dir/full")
events=$(median <"$dir/events")

# What such a run asks the school's database for, as the sink counts it.
sqlite3 "$database" "SELECT CleverStudentId FROM Students LIMIT 100" |
    while read -r id; do
        curl -s -X POST -o "$out" \
            "$lab_url/lab/change?id=$id&field=last&value=Counted"
    done
cs run --set logging.level=debug 2>&1 | grep 'SELECT statements' |
    grep -o 'entity=.*' >"$dir/counted"
cat "$dir/counted"
read -r selects rows writes <<END
$(sed -n 's/^entity=Student.*: \([0-9]*\) SELECT.* read \([0-9]*\) rows, \([0-9]*\) .*/\1 \2 \3/p' "$dir/counted")
END
at_most "SELECT statements for 100 events" "$selects" 10
at_most "rows read for 100 events" "$rows" 260
at_most "statements that wrote" "$writes" 101
idle=$(median <"$dir/idle")
# Starting the program and asking for events costs the same on every day.
echo "CPU seconds, medians of 9: full $full, 100 events $events, no events $idle"
at_most "100 events over a full run, above what a run without events costs" \
    "$(calc "($events - $idle) / $full")" 0.05
stop_lab

# ---- 50 ms added to every answer ------------------------------------------

start_lab --schools 1 --students 10000 --teachers 10 --fault slow,ms=50
quiet_config </dev/null
empty_databases
seconds "$CLEVERSYNC" --config "$config" run
growing=$took
quiet_config <<END
[sync]
page_size = 100
page_size_max = 100
END
empty_databases
seconds "$CLEVERSYNC" --config "$config" run
echo "seconds with 50 ms an answer: pages that grow $growing, of 100 $took"
at_most "growing pages over pages of 100" "$(calc "$growing / $took")" 0.15
stop_lab

# ---- 20 schools: one at once, five at once, three processes ------------------

three_runs() {
    cs run >"$dir/run1" 2>&1 &
    one=$!
    cs run >"$dir/run2" 2>&1 &
    two=$!
    cs run >"$dir/run3" 2>&1 &
    wait "$one" && wait "$two" && wait $!
}

# Small pages, so that a school is some requests of 20 ms and little else: what
# is measured is whether schools wait at the same time.
at_once() { # SCHOOLS
    quiet_config <<END
[sync]
page_size = 20
page_size_max = 20
[concurrency]
max_schools_in_parallel = $1
END
    empty_databases
}

start_lab --schools 20 --students 100 --teachers 10 --fault slow,ms=20
for turn in 1 2 3; do
    at_once 1
    seconds cs run
    echo "$took" >>"$dir/one"
    at_once 5
    seconds cs run
    echo "$took" >>"$dir/five"
    at_once 1
    seconds three_runs
    echo "$took" >>"$dir/three"
    synced=$(sqlite3 "$dir/session.db" "SELECT COUNT(*) FROM SyncHistory
        WHERE EntityType = 'Student' AND Status = 'Success'")
    # What one has begun before another starts counts for the other as not done.
    at_most "syncs of 20 schools by three processes" "$synced" 22
done
one=$(median <"$dir/one")
five=$(median <"$dir/five")
three=$(median <"$dir/three")
echo "seconds for 20 schools with 20 ms an answer: one at once $one, five" \
    "$five, three processes of one $three (medians of 3)"
at_least "one school at once over five" "$(calc "$one / $five")" 4
at_least "one process over three" "$(calc "$one / $three")" 2
exit $missed
