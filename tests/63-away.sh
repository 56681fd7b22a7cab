#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# A database that is away for a moment, a school's or the session's, whatever it
# is asked: what was begun is begun anew, Clever is not read again, and nothing
# counts twice.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
[ -f "$builddir/tests/wrong/sink/wrong.la" ] ||
    skip_all "the sink that fails is not built"
mkdir "$dir/plugins"
for kind in credential mapper source; do
    ln -s "$CLEVERSYNC_PLUGIN_DIR/$kind" "$dir/plugins/$kind"
done
ln -s "$builddir/tests/wrong/sink" "$dir/plugins/sink"
CLEVERSYNC_PLUGIN_DIR=$dir/plugins

start_lab --schools 1 --students 30 --teachers 8
write_config <<'END'
[sync]
full_sync_day =
END
sed -i 's/^plugin = sqlite-test/plugin = wrong/
/^\[retry\]/a database_max_attempts = 20' "$config"
register
one=$(prefixes)

away() { # WORD...: the program, while each kind of call fails once
    post /lab/log/clear >/dev/null
    rm -f "$dir/$one".db-away-*
    cs "$@" --set sink.schools.fault=away
}

failed() { # how many calls did
    ls "$dir" | grep -c "^$one.db-away-"
}

asked() { # how often Clever was asked for people
    curl -fsS -m 20 "$lab_url/lab/log" | grep -c '/users?'
}

change() { # NUMBER VALUE: of a student
    post "/lab/change?id=$(person "$one" student "$1")&field=last&value=$2" \
        >/dev/null
}

# ---- Without patience ------------------------------------------------------------

exits 5 "a database that is away fails a run" \
    away run --set retry.database_max_attempts=0
like "which is said" "$out" 'the database is away'
is "at the first call" "$(failed)" 1

# ---- Each mode -------------------------------------------------------------------

ok "a plan of the first sync" away plan
is "has each person once" "$(grep -c '^  + [0-9a-f]\{24\}$' "$out")" 38
is "some calls failed" "$(($(failed) >= 2))" 1
ok "the first sync" away run
right "is right"
is "Clever was read once" "$(asked)" 2

change 3 Changed
post "/lab/delete?id=$(person "$one" student 9)" >/dev/null
ok "a plan of changes" away plan
is "has each once" "$(grep -c '^  [-+*^] ' "$out")" 2
is "some calls failed" "$(($(failed) >= 6))" 1
exits 22 "verify" away verify
like "counts each once" "$out" '2 rows'
is "and reads Clever once" "$(asked)" 2
ok "a run by events" away run
right "is right"
is "and counts each once" \
    "$(history 'RecordsUpdated, RecordsDeleted' "EntityType = 'Student'")" "2|0"
is "some calls failed" "$(($(failed) >= 8))" 1

change 4 Other
ok "a full sync" away run --full
right "is right"
is "which reads Clever once" "$(asked)" 2
is "and counts each once" \
    "$(history 'RecordsUpdated' "EntityType = 'Student'")" 1
ok "verify finds nothing" away verify

# ---- The session, and with it the school's lock ----------------------------------

change 5 Third
ok "a run that loses the session and its lock" \
    cs run --full --set sink.session.fault=away
is "it was lost" "$(ls "$dir" | grep -c '^session.db-away-holds-lock$')" 1
right "is right"
is "and ends well" "$(history 'DISTINCT Status')" Success
is "once" "$(sql session "SELECT count(*) FROM SyncHistory
    WHERE Status = 'InProgress'")" 0
finish
