#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What -o json prints is JSON, one document, with the members that programs
# were promised; also when a command fails.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 12 --teachers 3
write_config <<'END'
[sync]
full_sync_day =
END
register
set -- $(prefixes)
one=$1
one_id=$(school_id "$one")

json() { # EXPRESSION: over the document d
    sqlite3 :memory: "SELECT $1 FROM (SELECT readfile('$out') AS d)" 2>&1
}

members() { # PATH: the members of the object there, in the document's order
    json "(SELECT group_concat(key, ' ') FROM json_each(d, '$1'))"
}

says() { # CODE MEMBERS COMMAND...: with that exit code and a document of these
    local code=$1 wanted="schema_version $2" # each document says what it is
    shift 2
    exits "$code" "$*: exit code $code" cs "$@" -o json
    is "$*: one document" "$(json 'json_valid(d)')" 1
    is "$*: its members" "$(members '$')" "$wanted"
}

run="run_id dry_run code result changes seconds schools entities"
failure="message_type code result message"

says 0 "$run plan" plan
is "a plan has each entity's changes" "$(members '$.plan[0]')" \
    "school_id entity changes"
is "with what and who" "$(members '$.plan[0].changes[0]')" "op key"
says 0 "$run" run
is "a run has its schools" "$(members '$.schools[0]')" \
    "school school_id code result seconds"
is "and their entities, with all counts" "$(members '$.entities[0]')" \
    "school school_id district_id entity type status fetched unchanged \
inserted updated restored deactivated deleted held rejected message"
is "which are numbers, also 0" "$(json "(SELECT count(*)
    FROM json_each(d, '\$.entities[0]') WHERE type = 'integer')")" 9
is "the sum is that of its parts" "$(json "json_extract(d, '\$.changes') =
    (SELECT sum(json_extract(value, '\$.inserted'))
     FROM json_each(d, '\$.entities'))")" 1
is "the run's id is that of the history" \
    "$(json "json_extract(d, '\$.run_id')")" "$(history 'DISTINCT RunId')"
is "codes have words" "$(json "json_extract(d, '\$.result')")" ok

fault "status-503,school=$one_id,path=/users"
says 3 "$run" run --full --set retry.clever_api_max_attempts=0
is "a failed school has its own code and word" "$(json "(SELECT
    json_extract(value, '\$.code') || ' ' || json_extract(value, '\$.result')
    FROM json_each(d, '\$.schools')
    WHERE json_extract(value, '\$.school') = '$one')")" "5 transient"
is "and its entities say why" "$(json "(SELECT count(*)
    FROM json_each(d, '\$.entities')
    WHERE json_extract(value, '\$.message') LIKE '%answered 503%')")" 2
fault

says 0 schools status
is "status has each school and entity" "$(members '$.schools[0]')" \
    "name school school_id active requires_full entity status type start \
read inserted changed deleted failed holds rejects database message"
says 0 history history
is "history has each sync" "$(members '$.history[0]')" \
    "sync_id start end name school school_id entity type status read \
inserted changed deleted failed run_id message"
says 0 districts district list
is "districts" "$(members '$.districts[0]')" "district_id name district schools"
says 0 schools school list
is "schools" "$(members '$.schools[0]')" \
    "school_id name school database district_id active requires_full"
says 0 "valid pipelines plugins" check-config
says 0 secrets secrets test
is "secrets, never what they are" "$(members '$.secrets[0]')" \
    "name store outcome part option district_id school_id reason"
says 0 plugins plugins list
is "plugins" "$(json "(SELECT count(*) > 7 FROM json_tree(d)
    WHERE key = 'interface')")" 1
says 0 "kind name version summary file options" plugins info sqlite-test
says 0 "school_id changed" school set "$one_id" --active yes
says 0 "district_id added" district add --id 4fd43cc56d11340000000005 \
    --name Other --prefix Other
says 0 made db init
says 0 sections config show
is "settings have value and origin" \
    "$(members '$.sections.sync.full_sync_day')" \
    "value origin"

says 2 "$failure" run --school nobody
says 2 "$failure" run --no-such-option
says 2 "$failure" school set
is "the code is the exit code, with its word" \
    "$(json "json_extract(d, '\$.code', '\$.result')")" '[2,"usage"]'
echo '[no-such-section]' >>"$config"
exits 78 "a bad configuration" cs run -o json
is "is told in JSON" "$(json "json_extract(d, '\$.code')" | head -n 1)" 78
finish
