#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What hangs: requests that are not answered, databases that are not let go.
# The school fails in time and says why, and the others do not wait for it.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 3 --students 20 --teachers 4
write_config <<'END'
[sync]
default_mode = full
full_sync_day =
[http]
timeout_seconds = 1
END
sed -i -e '/^\[retry\]/a clever_api_max_attempts = 0' \
    -e '/^\[retry\]/a database_max_attempts = 0' "$config"
register
set -- $(prefixes)
one=$1 two=$2 three=$3
one_id=$(school_id "$one")

failed_alone() { # WHAT: the first school, and it wrote nothing
    is "$1: the school failed" "$(history 'DISTINCT SchoolPrefix' \
        "Status = 'Failed'")" "$one"
    kept "$1: nothing was written" "$one"
    right "$1: the others are right" "$two" "$three"
    is "$1: nothing is left open" "$(sql session "SELECT count(*)
        FROM SyncHistory WHERE Status = 'InProgress'")" 0
}

ok "the schools are filled" cs run
keep_rows "$one"
post "/lab/change?id=$(person "$one" student 3)&field=last&value=New" >"$out"
post "/lab/change?id=$(person "$two" student 3)&field=last&value=New" >"$out"

# ---- Clever hangs ---------------------------------------------------------------

fault "hang,school=$one_id"
exits 3 "a school whose requests hang" cs run
failed_alone "requests"
like "requests: it says why" "$out" \
    "^$one Student: .*no whole answer in time"
exits 5 "requests: alone it may be tried again" cs run --school "$one_id"

fault "hang,path=/oauth/"
exits 5 "a login that hangs" cs run
is "login: all failed" "$(history 'count(*)' "Status <> 'Failed'")" 0
fault "hang,path=/events"
ok "a feed that hangs" cs run --full --school "$(school_id "$two")"
right "feed: the data is right without it" "$two"
fault

# ---- A database hangs --------------------------------------------------------------

hold "$one"
"$CLEVERSYNC" --config "$config" run >"$out" 2>"$err" \
    </dev/null 9>&- &
run=$!
others_done() {
    [ "$(history 'count(*)' "Status = 'Success' AND SchoolPrefix <> '$one'
        AND EntityType <> 'Baseline'")" = 4 ]
}
wait_for others_done
is "the others do not wait for a database that another program writes to" \
    "$(history 'DISTINCT Status' "SchoolPrefix = '$one'")" InProgress
kept "nothing was written to it" "$one"
let_go
wait "$run"
is "when it is let go, the school goes on" $? 0
right "and all are right"

# ---- A plugin hangs, and a signal comes ----------------------------------------

# It is told to give up, and is deaf: the program ends without it.
if [ -f "$builddir/tests/wrong/source/stuck.la" ]; then
    mkdir -p "$dir/plugins/source/.libs"
    for kind in credential mapper sink; do
        ln -s "$CLEVERSYNC_PLUGIN_DIR/$kind" "$dir/plugins/$kind"
    done
    for source in "$CLEVERSYNC_PLUGIN_DIR" "$builddir/tests/wrong"; do
        ln -s "$source"/source/*.la "$dir/plugins/source"
        ln -s "$source"/source/.libs/*.so "$dir/plugins/source/.libs"
    done
    stuck=$dir/stuck.conf
    sed 's/^source = .*/source = stuck/' "$config" >"$stuck"
    CLEVERSYNC_PLUGIN_DIR=$dir/plugins "$CLEVERSYNC" --config "$stuck" run \
        >"$out" 2>"$err" </dev/null &
    run=$!
    wait_for grep -q ' stuck$' "$err"
    before=$(date +%s)
    kill -TERM "$run"
    wait "$run"
    is "a signal ends a run that hangs in a plugin" $? 143
    is "within seconds" "$(($(date +%s) - before <= 10))" 1
    like "the log says what was abandoned" "$err" \
        "school=.*did not end in time after the signal and is abandoned"
    like "and so does the report" "$out" "after the signal and was abandoned"
    ok "the next run goes on" cs run
    right "and all are right again" "$one" "$two" "$three"
    is "and closes what was open" "$(sql session "SELECT count(*)
        FROM SyncHistory WHERE Status = 'InProgress'")" 0

    # A daemon that only looks at it.
    CLEVERSYNC_PLUGIN_DIR=$dir/plugins "$CLEVERSYNC" --config "$stuck" daemon \
        --set health.listen= --set schedule.cron_expression= \
        >"$out" 2>"$err" </dev/null &
    daemon=$!
    lab_pids="$lab_pids $daemon"
    wait_for grep -q ' stuck$' "$err"
    kill -TERM "$daemon"
    wait "$daemon"
    is "a daemon that is told to stop ends well" $? 0
    like "its log says what it leaves behind" "$err" \
        'source.stuck.* hangs past its deadline and is abandoned'
    like "and why it does" "$err" \
        'stopping: a plugin does not answer and is abandoned'
else
    skip "the unit tests are not built" "a signal ends a run that hangs"
fi
finish
