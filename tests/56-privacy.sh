#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What identifies a person, and what opens a door, is in the schools' databases
# and nowhere else: no output, log, history, reject or state has it, whatever
# goes wrong.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 1 --students 30 --teachers 12 \
    --client-secret Canary-Secret-55
export CLEVERSYNCSOS__CLEVER__CLIENTSECRET=Canary-Secret-55
write_config <<'END'
[sync]
default_mode = full
full_sync_day =
page_size = 10
page_size_max = 10
[http]
timeout_seconds = 1
END
sed -i '/^\[retry\]/a clever_api_max_attempts = 0' "$config"
register
one=$(prefixes)
said=$dir/said

# Everybody gets a name that is found again, but for those of the odd values.
mark() { # ROLE TEXT
    tap_truth "$one" "$1"
    sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))" |
        while read -r id; do
            for field in first last email; do
                echo "url = \"$lab_url/lab/change?id=$id&field=$field\
&value=$2\""
                echo "output = /dev/null"
            done
        done >"$dir/told"
    curl -fsS -m 20 -X POST -K "$dir/told"
}

tell() { # COMMAND...: its output is kept with that of all others
    "$@" >>"$said" 2>&1 </dev/null
}

everything() { # all that was written outside of the tables of people
    cat "$said"
    sqlite3 "$dir/session.db" .dump
    sql "$one" 'SELECT * FROM SyncState'
}

secrets='Canary-Secret|lab-token|lab-client|Basic |Bearer '
people='zzcanary|quill|somebody else|shared@example|p[0-9]+@example'

faults=$("$CLEVERSYNC" lab --list-faults | sed 's/ .*//')
mark student zzcanary1
mark teacher zzcanary2
tell cs run --full
tell cs run --full
mark student zzcanary3
text="--set logging.level=debug"
json="$text --set logging.format=json -o json"
for fault in $faults; do
    fault "$fault,role=student,retry_after=0,ms=1"
    tell cs run --full $text
    [ "$fault" != hang ] || continue # once is long enough
    fault "$fault,role=student,page=2,retry_after=0,ms=1"
    tell cs run $json
done
for path in /oauth/ /districts /events; do
    for fault in status-401 status-403 status-503 html-200 cut-body bad-utf8 \
        huge-string empty-object wrong-district; do
        fault "$fault,path=$path"
        tell cs run --full --dry-run $text
    done
done
fault
for command in "run --full --dry-run" "plan --show-values -o json" \
    "history" "history -o json" "status" "status -o json" \
    "school list -o json" "secrets test" "secrets test -o json" \
    "config show --origin" "check-config" "plugins list"; do
    tell cs $command $text
done
for fault in status-403 html-200 bad-utf8 no-id; do
    fault "$fault,path=/schools"
    tell cs school import --district "$(district_ids)" $text
done
fault
mark teacher zzcanary4
CLEVERSYNCSOS__CLEVER__CLIENTSECRET=Canary-Secret-wrong tell cs run

like "a lot was said" "$said" 'debug'
is "and more than a thousand lines of it" \
    "$(($(wc -l <"$said") > 1000))" 1
everything >"$dir/everything"
grep -aEi "$people" "$dir/everything" | head -n 3 >"$dir/found"
is "nothing that identifies a person" "$(cat "$dir/found")" ""
grep -aE "$secrets" "$dir/everything" | head -n 3 >"$dir/found"
is "nothing that opens a door" "$(cat "$dir/found")" ""
is "no control character but ends of lines" \
    "$(LC_ALL=C tr -d '\n\t\040-\176\200-\377' <"$said" | wc -c | tr -d ' ')" 0
is "but the database has the people" "$(sql "$one" \
    "SELECT count(*) > 25 FROM Students WHERE FirstName = 'zzcanary3'")" 1
ok "with --show-values" cs plan --full --show-values
grep -aEq "$people" "$out"
is "values are shown, since they were asked for" $? 0
finish
