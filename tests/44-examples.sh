#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The plugins of examples/: built apart from the program, checked, and run.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3 make cc
[ -f "$CLEVERSYNC_PLUGIN_DIR/sink/sqlite-test.la" ] ||
    skip_all "the sink sqlite-test is not built"

source=$(cd "$srcdir" && pwd)
mkdir "$dir/plugins"
cp -R "$CLEVERSYNC_PLUGIN_DIR"/* "$dir/plugins"
export CLEVERSYNC_PLUGIN_DIR="$dir/plugins"
cp -R "$source/examples/mapper-section" "$source/examples/sink-oneroster" "$dir"
chmod -R u+w "$dir/mapper-section" "$dir/sink-oneroster"

build() { # FOLDER WORD...: make there, in a copy
    local folder=$1
    shift
    make -C "$dir/$folder" CC=cc CLEVERSYNC_CFLAGS="-I$source/include" \
        CLEVERSYNC_LIBS=-ljansson CFLAGS="-O1 -Werror" \
        CLEVERSYNC="$CLEVERSYNC --config $config" \
        PLUGINDIR="$CLEVERSYNC_PLUGIN_DIR" "$@"
}

: >"$config"
for folder in mapper-section sink-oneroster; do
    ok "$folder is built with the header alone" build "$folder"
    ok "and passes its check" build "$folder" check
    like "without a case that could not be tried" "$out" ' 0 failed, 0 skipped$'
    ok "and is installed" build "$folder" install
done
start_lab --schools 2 --students 12 --teachers 5

# ---- Sections ------------------------------------------------------------------

write_config <"$source/examples/mapper-section/section.conf"
register
set -- $(prefixes)
one=$1
one_id=$(school_id "$one")
token=$(curl -fsS -m 20 -u lab-client:lab-secret "$lab_url/oauth/tokens" |
    sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')

sections_differ() { # between Clever's listing and the table
    curl -fsS -m 20 -H "Authorization: Bearer $token" -o "$dir/sections" \
        "$lab_url/v3.0/schools/$one_id/sections" || echo "no listing"
    sql "$one" "WITH listed AS (SELECT
            value ->> '\$.data.id', value ->> '\$.data.name',
            value ->> '\$.data.section_number', value ->> '\$.data.period',
            nullif(value ->> '\$.data.grade', ''),
            nullif(value ->> '\$.data.subject', ''),
            value ->> '\$.data.course', value ->> '\$.data.term_id',
            value ->> '\$.data.teacher', value ->> '\$.data.last_modified'
            FROM json_each(readfile('$dir/sections'), '\$.data')),
        stored AS (SELECT CleverSectionId, Name, SectionNumber, Period, Grade,
            Subject, CleverCourseId, CleverTermId, CleverTeacherId,
            LastModifiedInClever FROM Sections WHERE IsActive)
        SELECT 'missing', * FROM (SELECT * FROM listed
            EXCEPT SELECT * FROM stored)
        UNION ALL SELECT 'too many', * FROM (SELECT * FROM stored
            EXCEPT SELECT * FROM listed)"
}

ok "a sync with sections" cs run
is "the table is what Clever lists" "$(sections_differ)" ""
is "with each of them" "$(sql "$one" 'SELECT count(*) FROM Sections')" 5
right "and the people are as they should be"
ok "a second sync" cs run
like "changes nothing" "$out" 'nothing changed'
post "/lab/touch?id=$(person "$one" teacher 2)" >/dev/null
post "/lab/delete?id=$(person "$one" teacher 3)" >/dev/null
post /lab/noise >/dev/null
ok "a sync after a section has another period and one is gone" cs run
is "the period is there" "$(sections_differ | cut -d'|' -f1)" "too many"
ok "a full sync" cs run --full
is "takes the other away" "$(sections_differ)" ""
ok "the schools are verified" cs verify

# ---- OneRoster -------------------------------------------------------------------

rm -f "$dir"/*.db*
write_config </dev/null
sed -i "/^\[sink.schools\]/,/^\[/{
    s|^plugin = .*|plugin = oneroster|
    s|^path = .*|folder = $dir/roster-{school_prefix}|
}" "$config"
register
ok "a sync into folders of OneRoster files" cs run
roster=$dir/roster-$one

csv() { # QUERY: over users and orgs, as any reader of CSV would see them
    sqlite3 :memory: ".mode csv" ".import '$roster/users.csv' users" \
        ".import '$roster/orgs.csv' orgs" ".mode list" "$1"
}

users_differ() { # from who is in the school
    tap_truth "$one" student
    mv "$dir/truth" "$dir/students"
    tap_truth "$one" teacher
    csv "WITH truth AS (
        SELECT key, 'student', value ->> 'FirstName', value ->> 'LastName',
            coalesce(value ->> 'Email', ''),
            coalesce(value ->> 'StudentNumber', '')
            FROM json_each(readfile('$dir/students'))
        UNION SELECT key, 'teacher', value ->> 'FirstName',
            value ->> 'LastName', coalesce(value ->> 'Email', ''), ''
            FROM json_each(readfile('$dir/truth'))),
        stored AS (SELECT sourcedId, role, givenName, familyName, email,
            identifier FROM users)
        SELECT 'missing', * FROM (SELECT * FROM truth
            EXCEPT SELECT * FROM stored)
        UNION ALL SELECT 'too many', * FROM (SELECT * FROM stored
            EXCEPT SELECT * FROM truth)"
}

is "users.csv has everybody" "$(users_differ | wc -l | tr -d ' ')" 0
is "as OneRoster wants it" "$(csv "SELECT DISTINCT status, dateLastModified,
    enabledUser, orgSourcedIds, username <> '' FROM users")" \
    "||true|$one_id|1"
is "orgs.csv has the school, and the district above it" "$(csv "SELECT
    a.sourcedId, a.type, a.name, b.type FROM orgs a
    JOIN orgs b ON b.sourcedId = a.parentSourcedId")" \
    "$one_id|school|$one|district"
is "grades are those of CEDS" "$(csv "SELECT count(*) FROM users WHERE grades
    NOT IN ('', 'IT', 'PR', 'PK', 'TK', 'KG', 'PS', 'UG', 'Other') AND
    (length(grades) <> 2 OR grades NOT BETWEEN '01' AND '13')")" 0
like "manifest.csv names both" "$roster/manifest.csv" '^file.users,bulk'
is "nobody else may read them" "$(stat -c %a "$roster/users.csv" "$roster" |
    paste -sd' ')" "600 700"

before=$(stat -c '%i %y' "$roster/users.csv")
ok "a second sync" cs run --full
like "changes nothing" "$out" 'nothing changed'
is "and makes no file anew" "$(stat -c '%i %y' "$roster/users.csv")" "$before"
post "/lab/change?id=$(person "$one" student 1)&field=last&value=O%27Hara%2C%20%22Z%22" >/dev/null
post "/lab/delete?id=$(person "$one" student 2)" >/dev/null
ok "a sync after changes" cs run
is "users.csv follows" "$(users_differ | wc -l | tr -d ' ')" 0
is "who is gone is not in it" "$(csv "SELECT count(*) FROM users
    WHERE role = 'student'")" "$(tap_truth "$one" student
    sqlite3 :memory: "SELECT count(*) FROM json_each(readfile('$dir/truth'))")"
ok "the schools are verified" cs verify
touch "$roster/manifest.csv.new"
echo old >"$roster/users.csv"
ok "a sync after one that was killed between two files" cs run --full
is "mends them" "$(users_differ | wc -l | tr -d ' ')" 0
ok "the state of the databases" cs db status

finish
