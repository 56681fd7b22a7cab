#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# One school's or district's trouble is its own; and no school is ever written
# into another one's database.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --districts 2 --schools 2 --students 20 --teachers 4
write_config <<'END'
[sync]
full_sync_day =
END
register
set -- $(prefixes)
one=$1 two=$2 three=$3 four=$4
one_id=$(school_id "$one") two_id=$(school_id "$two")
set -- $(district_ids)
district=$1 other_district=$2

alone_failed() { # WHAT CODE MESSAGE: the first school did, and tells why
    is "$1: it failed" "$(history 'DISTINCT SchoolPrefix' \
        "Status = 'Failed'")" "$one"
    like "$1: and says why" "$out" "^$one.*: .*$3"
    like "$1: so does the sum" "$out" '^3 of 4 schools are right'
    right "$1: the others are right" "$two" "$three" "$four"
    exits "$2" "$1: alone it ends with $2" cs run --school "$one_id"
}

mended() { # WHAT: the others were filled; so is the first one now
    ok "$1: mended, it is filled" cs run --school "$one_id"
    right "$1: and right" "$one"
    rm -rf "$dir/$one".db*
}

# ---- One school's database --------------------------------------------------------

mkdir "$dir/$one.db"
exits 3 "a directory for a database" cs run
alone_failed "a directory" 78 "$one.db is a directory"
rmdir "$dir/$one.db"
mended "a directory"

echo "This is no database, and long enough to be read as one." >"$dir/$one.db"
cp "$dir/$one.db" "$dir/text"
exits 3 "a file that is no database" cs run
alone_failed "no database" 78 "not .*SQLite"
ok "and is left as it is" cmp "$dir/text" "$dir/$one.db"
rm "$dir/$one.db"
mended "no database"

ln -s /proc/cleversync.db "$dir/$one.db"
exits 3 "a place that cannot be written" cs run
alone_failed "no place" 78 "$one.db"
rm "$dir/$one.db"
mended "no place"

sqlite3 "$dir/$one.db" 'CREATE TABLE Students (StudentId INTEGER PRIMARY KEY,
    CleverStudentId NVARCHAR(50) NOT NULL UNIQUE, FirstName NVARCHAR(100),
    LastName NVARCHAR(100))'
exits 3 "a table that lacks columns" cs run
alone_failed "a column" 78 "Students.*(Email|Grade)"
sqlite3 "$dir/$one.db" 'DROP TABLE Students'
mended "a column"

sqlite3 "$dir/$one.db" 'CREATE TABLE Students (StudentId INTEGER PRIMARY KEY,
    CleverStudentId NVARCHAR(50) NOT NULL UNIQUE, FirstName NVARCHAR(100),
    LastName NVARCHAR(100), Email NVARCHAR(200), Grade NVARCHAR(32),
    StudentNumber NVARCHAR(50), LastModifiedInClever TEXT, House TEXT,
    IsActive BOOLEAN, DeactivatedAt TEXT, CreatedAt TEXT, UpdatedAt TEXT)'
ok "a table that has one more" cs run --school "$one_id"
right "is used as it is" "$one"
rm "$dir/$one".db*

# A file system of so few pages that a database fits, but not its people.
mkdir "$dir/small"
small() { # SIZE COMMAND...: with it at $dir/small, which ends with the command
    unshare -rm sh -c 'mount -t tmpfs -o size=$1 none "$0" &&
        : >"$0/school.db" && shift && exec "$@"' "$dir/small" "$@"
}
if small 16k true 2>/dev/null; then
    ln -s small/school.db "$dir/$one.db"
    for size in 16k 64k; do
        exits 3 "a full disk of $size" \
            small $size "$CLEVERSYNC" --config "$config" run
        is "$size: it failed" "$(history 'DISTINCT SchoolPrefix' \
            "Status = 'Failed'")" "$one"
        like "$size: and says so" "$out" "^$one.*: .*disk is full"
        right "$size: the others are right" "$two" "$three" "$four"
    done
    rm "$dir/$one".db*
else
    skip "file systems cannot be mounted here" "a full disk"
fi

# ---- One district's login -----------------------------------------------------------

variable() { # NUMBER: how the variables of this district's secrets begin
    awk '$1 == "district" { print $NF }' "$dir/lab" | sed -n "$1p" |
        tr 'a-z-' 'A-Z_' | sed 's/^/CLEVERSYNCSOS__/'
}

# Each district has an app of its own, and the first one's secret is wrong.
with() { # PROPERTY=VALUE COMMAND...: with this secret of the first district
    local first second secret=$1
    first=$(variable 1)
    second=$(variable 2)
    shift
    env -u CLEVERSYNCSOS__CLEVER__CLIENTID \
        -u CLEVERSYNCSOS__CLEVER__CLIENTSECRET \
        "${first}__CLIENTID=lab-client" "${second}__CLIENTID=lab-client" \
        "${second}__CLIENTSECRET=lab-secret" "${first}__$secret" \
        "$CLEVERSYNC" --config "$config" "$@"
}

rm -f "$dir/$two".db* "$dir/$three".db*
exits 3 "a district whose login is refused" with CLIENTSECRET=wrong run
is "fails with all its schools" "$(history 'DISTINCT SchoolPrefix' \
    "Status = 'Failed'")" "$one
$two"
is "and writes nothing" "$(ls "$dir" | grep -c "^\($one\|$two\).db")" 0
right "the other district is right" "$three" "$four"
exits 12 "alone it ends with 12" \
    with CLIENTSECRET=wrong run --district "$district"
like "and says why" "$out" "service refused the secret"
other_token=$(curl -sS -m 20 -u lab-client:lab-secret \
    "$lab_url/oauth/tokens?owner_type=district&district=$other_district" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
exits 12 "another district's token is not used" \
    with "ACCESSTOKEN=$other_token" run --district "$district"
like "which is said" "$out" 'token belongs to another district'
is "nothing is written" "$(ls "$dir" | grep -c "^\($one\|$two\).db")" 0
exits 3 "beside the district whose it is" with "ACCESSTOKEN=$other_token" run
right "which is right" "$three" "$four"
fault wrong-district
exits 12 "a token that tells another district" cs run
is "nothing is written" "$(ls "$dir" | grep -c "^\($one\|$two\).db")" 0
fault
ok "the right ones again" cs run
right "fill the schools"

# ---- Two schools, one path ------------------------------------------------------------

same="--set sink.schools.path=$dir/same.db"
wrote() { # is same.db exactly this school's?
    cp "$dir/same.db" "$dir/same-$1.db"
    is "$2" "$(prefix=same-$1
        tap_truth() {
            curl -fsS -o "$dir/truth" \
                "$lab_url/lab/truth?school=$(school_id "${prefix#same-}")&role=$2"
        }
        wrong_rows "$prefix")" ""
}

ok "one school's path" cs run --school "$one_id" $same
exits 7 "is no other one's" cs run --school "$two_id" $same
like "which is said" "$out" \
    "database belongs to school $one_id, not to $two_id"
exits 7 "not for a full run either" cs run --full --school "$two_id" $same
wrote "$one" "nothing was written"
exits 3 "beside others that are right" cs run --district "$district" $same
is "only the wrong one failed" "$(history 'DISTINCT SchoolPrefix' \
    "Status = 'Failed'")" "$two"
for _ in 1 2 3; do
    rm -f "$dir/same".db*
    exits 3 "both at once on a fresh path" \
        cs run --district "$district" $same
    winner=$(history 'DISTINCT SchoolPrefix' "Status = 'Success'")
    is "one of them is refused" "$(history 'DISTINCT SchoolPrefix' \
        "Status = 'Failed'" | wc -l | tr -d ' ')" 1
    wrote "$winner" "the other one alone is in it"
done

# ---- People without a stamp -------------------------------------------------------------

strangers() { # N: that many in the first school's database, which has no stamp
    rm -f "$dir/$one".db*
    cs run --school "$one_id" >"$out" 2>"$err"
    sqlite3 "$dir/$one.db" "DROP TABLE SyncState;
        WITH RECURSIVE n(i) AS
            (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO Students (CleverStudentId, FirstName, LastName, CreatedAt,
            UpdatedAt, IsActive) SELECT 'stranger' || i, 'A', 'B', '2020',
            '2020', 1 FROM n"
}

strangers 20
ok "if half of the people are in Clever, the database is adopted" \
    cs run --full --school "$one_id"
is "and nobody is deleted" "$(sql "$one" \
    'SELECT sum(IsActive) FROM Students')" "40"
is "it has a stamp then" "$(sql "$one" \
    'SELECT DISTINCT CleverSchoolId FROM SyncState')" "$one_id"

strangers 22
keep_rows "$one"
exits 7 "if fewer are, somebody has to look" cs run --school "$one_id"
like "who is told the numbers" "$out" \
    'carries no stamp and only 2[01] of its 4[23] active rows are in Clever'
kept "nothing is written" "$one"
exits 7 "also the next time" cs run --full --school "$one_id"
kept "nothing is written" "$one"

strangers 30
sqlite3 "$dir/$one.db" 'DROP TABLE Teachers'
exits 7 "not even what is not there yet" cs run --school "$one_id"
is "is written" "$(sql "$one" "SELECT group_concat(name) FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite%'")" SchemaVersion,Students
finish
