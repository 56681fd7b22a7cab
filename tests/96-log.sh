#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Each line of the log says of which run, district, school and entity it is, as
# text and as JSON; and the systemd journal gets its priorities.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3 jq
start_lab --schools 1 --students 30 --teachers 4
write_config <<'END'
[sync]
full_sync_day =
default_mode = full
END
register
one=$(prefixes)
who="district=$(district_ids) school=$(school_id "$one")"

stderr_id() { # as systemd would name the file
    stat -c %d:%i "$err"
}

logs() { # WORD...: a run, its log in $err; whatever the exit code
    : >"$err"
    cs run "$@" >"$out" 2>"$err"
}

fault number-for-text,role=student # so that a record is set aside
logs
run=$(history 'DISTINCT RunId')
like "a line says whom it is about" "$err" \
    "^....-..-..T..:..:..\....Z warning run=$run $who entity=Student: [0-9]+ record"
like "also one of a plugin's host" "$err" \
    "^[^ ]* information run=$run $who .*clever-oauth: secret .*AccessToken: f"
is "each line of the school has its run" \
    "$(grep school= "$err" | grep -vc "run=$run ")" 0
logs --set logging.format=json
is "in JSON these are members" "$(jq -c 'select(.level == "warning") |
    [.run, .district, .school, .entity]' "$err" | sort -u)" \
    "[\"$(history 'DISTINCT RunId')\",\"$(district_ids)\",\"$(school_id "$one")\",\"Student\"]"

# ---- The journal ------------------------------------------------------------

: >"$err"
JOURNAL_STREAM=$(stderr_id)
export JOURNAL_STREAM
logs --set logging.level=debug
is "the journal gets a priority with each line" \
    "$(grep -vc '^<[3467]>2' "$err")" 0
like "of a warning" "$err" '^<4>[^ ]* warning '
like "of information" "$err" '^<6>[^ ]* information '
like "of what is for debugging" "$err" '^<7>[^ ]* debug '
sqlite3 "$dir/session.db" "CREATE TRIGGER no BEFORE INSERT ON SyncReject
    BEGIN SELECT RAISE(ABORT, 'no'); END"
logs
like "of an error" "$err" '^<3>[^ ]* error '
logs --set logging.format=json
is "JSON stays JSON" "$(jq -s 'length > 1' "$err")" true
JOURNAL_STREAM="1:$(stat -c %i "$err")"
logs
unlike "what goes elsewhere has none" "$err" '^<'
unset JOURNAL_STREAM
logs
unlike "nor has it without a journal" "$err" '^<'
finish
