#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Districts and schools: registered, listed, changed, imported from Clever.

. "${srcdir:-.}/tests/lib.sh"
requires sqlite3
start_lab --schools 4 --students 1 --teachers 1
write_config </dev/null
district=$(awk '$1 == "district" { print $2; exit }' "$dir/lab")
school=$(awk '$1 == "school" { print $2; exit }' "$dir/lab")

count() { # TABLE
    sql session "SELECT count(*) FROM $1"
}

add_district() { # ID NAME PREFIX
    cs district add --id "$1" --name "$2" --prefix "$3"
}

add_school() { # ID NAME PREFIX OPTION...
    id=$1 name=$2 prefix=$3
    shift 3
    cs school add --id "$id" --district "$district" --name "$name" \
        --prefix "$prefix" "$@"
}

# ---- The session database ----------------------------------------------------

exits 78 "without tables nothing works" cs district list
like "and it is said what to do" "$err" 'run "cleversync db init" first'
ok "db init makes them" cs db init
like "and says how many" "$out" '^8 tables made'
ok "db init twice is fine" cs db init
like "and makes none" "$out" '^all tables .* are there'
is "the tables are the plan's" \
    "$(sql session "SELECT group_concat(name) FROM (SELECT name FROM
        sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
        ORDER BY name)")" "Districts,SchemaVersion,Schools,SyncChange,SyncHistory,\
SyncHold,SyncReject,SyncSchedule"
is "schools belong to districts" "$(sql session \
    "SELECT \"table\", \"to\" FROM pragma_foreign_key_list('Schools')")" \
    "Districts|DistrictId"
ok "an empty list is no error" cs district list
like "and says how to go on" "$out" 'district add'

# ---- Districts ---------------------------------------------------------------

ok "a district is added" add_district "$district" "Lab District" Lab-District
ok "twice changes nothing" add_district "$district" "Lab District" Lab-District
like "and says so" "$out" 'nothing changed'
exits 1 "another name for it is refused" \
    add_district "$district" "Other" Lab-District
exits 1 "a prefix is unique whatever its case" \
    add_district d2 "Other" LAB-district
for prefix in a--b -a a_b a/b 'a b' clever SessionDb adminportal é; do
    exits 2 "the prefix $prefix is refused" add_district d2 Other "$prefix"
done
exits 2 "an id with a blank is refused" add_district 'd 2' Other Other
exits 2 "a name with a line end is refused" add_district d2 'a
b' Other
unlike "and not quoted" "$err" '^b'
exits 2 "a missing option is refused" cs district add --id d2 --name Other
like "and named" "$err" 'district add needs --prefix'
is "one district is there" "$(count Districts)" 1

# ---- Schools -----------------------------------------------------------------

ok "a school is added" add_school s1 "Zoë's School" Zoes-School
is "active, with the prefix for a database, and nothing due" \
    "$(sql session 'SELECT IsActive, DatabaseName, RequiresFullSync
        FROM Schools')" "1|Zoes-School|0"
ok "twice changes nothing" add_school s1 "Zoë's School" Zoes-School
exits 1 "a district's prefix is taken, too" add_school s2 Two lab-DISTRICT
exits 1 "another prefix for it is refused" add_school s1 "Zoë's School" Zoe
exits 2 "a school needs a district that is there" \
    cs school add --id s2 --district nope --name Two --prefix Two
like "which is said" "$err" 'there is no district nope'
ok "schools are listed" cs school list
like "by id, name, prefix" "$out" '^s1 +Zoë.s School +Zoes-School '
ok "also as JSON" cs school list --district "$district" -o json
like "with types" "$out" '"active": true'

ok "a school is changed" cs school set s1 --name One --active no \
    --require-full yes
is "in what was said, and nothing else" "$(sql session 'SELECT Name,
    SchoolPrefix, IsActive, RequiresFullSync FROM Schools')" \
    "One|Zoes-School|0|1"
exits 2 "a change of nothing is refused" cs school set s1
exits 2 "a change of nobody is refused" cs school set s11 --active yes
like "with who may be meant" "$err" 'did you mean s1\?'
exits 1 "a taken prefix is refused" cs school set s1 --prefix Lab-District
exits 2 "only yes and no are taken" cs school set s1 --active true

# ---- Import ------------------------------------------------------------------

ok "the schools are imported" cs school import --district "$district"
is "all of them, inactive" "$(sql session "SELECT count(*), sum(IsActive)
    FROM Schools WHERE CleverSchoolId <> 's1'")" "4|0"
is "with the names that Clever has" \
    "$(awk '$1 == "school" { print $2 }' "$dir/lab" | sort)" \
    "$(sql session "SELECT CleverSchoolId FROM Schools
        WHERE CleverSchoolId <> 's1' ORDER BY 1")"
is "and prefixes made from them" "$(sql session "SELECT count(*) FROM Schools
    WHERE SchoolPrefix = replace(replace(Name, ' ', '-'), '.', '')")" 4
ok "an import twice adds none" cs school import --district "$district" --active
is "and leaves those that are there as they are" \
    "$(sql session 'SELECT count(*), sum(IsActive) FROM Schools')" "5|0"
like "which the table shows" "$out" "^$school .* no +no\$"
exits 2 "an import of nothing is refused" cs school import --district nope
exits 12 "an import without a login fails" \
    env CLEVERSYNCSOS__CLEVER__CLIENTSECRET=wrong "$CLEVERSYNC" \
    --config "$config" school import --district "$district"
is "and adds none" "$(count Schools)" 5
finish
