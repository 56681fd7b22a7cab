#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The operator's guide, read and done: each command line in it is run against
# the lab, in the order of the page, and prints what the page says.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
guide=$srcdir/docs/cleversync-operator.7

# ---- A machine as the guide finds it ------------------------------------------

unset AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET IDENTITY_ENDPOINT \
    AZURE_CLIENT_CERTIFICATE_PATH AZURE_FEDERATED_TOKEN_FILE IMDS_ENDPOINT
export CLEVERSYNC_CONF_AVAILABLE="$dir/available" CLEVERSYNC_LOGGING__LEVEL=error
config=$dir/etc/cleversync.conf
mkdir -p "$dir/etc/conf.d" "$dir/available" "$dir/arc"
for file in "$srcdir"/conf.d/*.conf "$builddir"/conf.d/*.conf; do
    [ "${file##*/}" = cleversync.conf ] || cp "$file" "$dir/available/"
done
# SQLite files stand for the databases on a server.
sed "s,^path = .*/,path = $dir/," "$builddir/conf.d/sqlite-test.conf" \
    >"$dir/available/mssql-odbc.conf"
cp "$srcdir/conf.d/cleversync.conf" "$config"

addresses() { # of the lab, instead of Clever's
    cat >"$dir/etc/conf.d/zz-lab.conf" <<END
[credential.clever-oauth]
token_url = $lab_url/oauth/tokens
[source.clever-data]
base_url = $lab_url/v3.0
[source.clever-events]
base_url = $lab_url/v3.0
END
}

cleversync() {
    "$CLEVERSYNC" --config "$config" "$@"
}

# ---- What a "test:" line may ask for -------------------------------------------

leave() { # PREFIX COUNT: the first students of the school leave
    tap_truth "$1" student
    sqlite3 :memory: "SELECT 'url = \"$lab_url/lab/delete?id=' || key || '\"'
        || char(10) || 'output = /dev/null'
        FROM (SELECT key FROM json_each(readfile('$dir/truth')) LIMIT $2)" \
        >"$dir/leavers"
    curl -fsS -m 20 -X POST -K "$dir/leavers"
}

status() { # EXIT-CODE: the next command's
    wanted=$1
}

secret_wrong() {
    CLEVERSYNCSOS__CLEVER__CLIENTSECRET=wrong
}

secret_missing() {
    unset CLEVERSYNCSOS__CLEVER__CLIENTSECRET
}

secret_right() {
    export CLEVERSYNCSOS__CLEVER__CLIENTSECRET=lab-secret
}

backup() { # PREFIX
    cp "$dir/$1.db" "$dir/$1.backup"
}

restore() { # PREFIX
    cp "$dir/$1.backup" "$dir/$1.db"
}

swap() { # PREFIX OTHER: the one's secret leads to the other's database
    backup "$1"
    cp "$dir/$2.db" "$dir/$1.db"
}

swap_back() {
    restore "$1"
}

lose() { # NAME: of a database
    rm -f "$dir/$1".db*
}

old_school() { # PREFIX: its database, with a year for each grade
    lose "$1"
    sqlite3 "$dir/$1.db" "CREATE TABLE Students (StudentId INTEGER PRIMARY KEY,
            CleverStudentId NVARCHAR(50) NOT NULL UNIQUE,
            FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(100) NOT NULL,
            Email NVARCHAR(200), Grade NVARCHAR(20),
            StudentNumber NVARCHAR(50), LastModifiedInClever TEXT,
            CreatedAt TEXT NOT NULL, UpdatedAt TEXT NOT NULL, Locker INTEGER);
        CREATE TABLE Teachers (TeacherId INTEGER PRIMARY KEY,
            CleverTeacherId NVARCHAR(50) NOT NULL UNIQUE,
            FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(100) NOT NULL,
            Email NVARCHAR(200) NOT NULL, Title NVARCHAR(100),
            LastModifiedInClever TEXT, CreatedAt TEXT NOT NULL,
            UpdatedAt TEXT NOT NULL)"
    tap_truth "$1" student
    sqlite3 "$dir/$1.db" "INSERT INTO Students (CleverStudentId, FirstName,
        LastName, Email, Grade, StudentNumber, CreatedAt, UpdatedAt)
        SELECT key, json_extract(value, '\$.FirstName'),
            json_extract(value, '\$.LastName'),
            json_extract(value, '\$.Email'), '2031',
            json_extract(value, '\$.StudentNumber'), '2025-08-01T00:00:00Z',
            '2025-08-01T00:00:00Z'
        FROM json_each(readfile('$dir/truth'))"
}

old_system() { # databases and vault as it left them, and a new machine
    rm -f "$dir"/*.db* "$dir"/etc/conf.d/*
    start_lab --vault "$dir/arc"
    unset CLEVERSYNCSOS__CLEVER__CLIENTID CLEVERSYNCSOS__CLEVER__CLIENTSECRET
    addresses
    cat >"$dir/etc/conf.d/zz-local.conf" <<END
[cleversync]
credentials = keyvault clever-oauth
[credential.keyvault]
base_url = $lab_url/
metadata_url = $lab_url/metadata/identity/oauth2/token
END
    sqlite3 "$dir/session.db" "CREATE TABLE Districts (
            DistrictId INTEGER PRIMARY KEY AUTOINCREMENT,
            CleverDistrictId NVARCHAR(50) NOT NULL UNIQUE,
            Name NVARCHAR(200) NOT NULL, DistrictPrefix NVARCHAR(100) NOT NULL,
            KeyVaultSecretPrefix NVARCHAR(100), CreatedAt TEXT NOT NULL,
            UpdatedAt TEXT NOT NULL);
        CREATE TABLE Schools (SchoolId INTEGER PRIMARY KEY AUTOINCREMENT,
            DistrictId INTEGER NOT NULL REFERENCES Districts (DistrictId),
            CleverSchoolId NVARCHAR(50) NOT NULL UNIQUE,
            Name NVARCHAR(200) NOT NULL, DatabaseName NVARCHAR(100) NOT NULL,
            SchoolPrefix NVARCHAR(100) NOT NULL,
            KeyVaultConnectionStringSecretName NVARCHAR(200),
            IsActive BOOLEAN NOT NULL, CreatedAt TEXT NOT NULL,
            UpdatedAt TEXT NOT NULL);
        CREATE TABLE SyncHistory (SyncId INTEGER PRIMARY KEY AUTOINCREMENT,
            SchoolId INTEGER NOT NULL REFERENCES Schools (SchoolId),
            EntityType NVARCHAR(50) NOT NULL, SyncType NVARCHAR(20) NOT NULL,
            SyncStartTime TEXT NOT NULL, SyncEndTime TEXT,
            Status NVARCHAR(20) NOT NULL, RecordsProcessed INTEGER NOT NULL,
            RecordsUpdated INTEGER NOT NULL, RecordsFailed INTEGER NOT NULL,
            ErrorMessage TEXT, LastSyncTimestamp TEXT,
            LastEventId NVARCHAR(100));
        INSERT INTO Districts (CleverDistrictId, Name, DistrictPrefix,
            CreatedAt, UpdatedAt) VALUES ('$(district_ids)', 'Copper Valley',
            'Copper-Valley', '2025-08-01T00:00:00Z', '2025-08-01T00:00:00Z');
        INSERT INTO Schools (DistrictId, CleverSchoolId, Name, DatabaseName,
            SchoolPrefix, IsActive, CreatedAt, UpdatedAt) VALUES
            (1, '$(school_id Maple-Hill)', 'Maple Hill', 'School_Maple_Db',
                'Maple-Hill', 1, '2025-08-01', '2025-08-01'),
            (1, '$(school_id Cedar-Creek)', 'Cedar Creek', 'School_Cedar_Db',
                'Cedar-Creek', 1, '2025-08-01', '2025-08-01');
        INSERT INTO SyncHistory (SchoolId, EntityType, SyncType, SyncStartTime,
            SyncEndTime, Status, RecordsProcessed, RecordsUpdated,
            RecordsFailed) VALUES (1, 'Student', 'Full', '2025-09-01T02:00:00Z',
            '2025-09-01T02:01:00Z', 'Success', 100, 100, 0)"
    old_school Maple-Hill
    old_school Cedar-Creek
    # A year has passed this one by.
    sqlite3 "$dir/Cedar-Creek.db" "UPDATE Students
        SET CleverStudentId = '4' || substr(CleverStudentId, 2)
        WHERE StudentId > 20"
}

# ---- The guide, line by line ----------------------------------------------------

# "T ..." what is to be arranged, "C ..." a command, "O ..." a line that it
# prints, "E" their end.  Text that stands in no literal block is passed over.
script() {
    awk '
        /^\.\\" test: / { print "T " substr($0, 11); next }
        /^\.Bd -literal/ { literal = 1; command = 0; next }
        /^\.Ed/ { if (command) print "E"; literal = 0; next }
        !literal || /^\.\\"/ { next }
        {
            gsub(/\\&/, "")
            gsub(/\\-/, "-")
            gsub(/\\e/, "\\")
        }
        more { print "+ " $0; more = /\\$/; next }
        /^[$#] / {
            if (command) print "E"
            command = 1
            print "C " substr($0, 3)
            more = /\\$/
            next
        }
        command { print "O " $0 }' "$guide" | awk '
        /^\+ / { sub(/\\$/, "", line); line = line substr($0, 3); next }
        { if (NR > 1) print line; line = $0 }
        END { print line }'
}

# Lines that are left out are "...", as is text within one; how wide a column is
# does not matter, and the log is left out.
as_said() { # SAID PRINTED: the first difference
    awk 'function blanks(text) {
            gsub(/[ \t]+/, " ", text)
            sub(/ $/, "", text)
            return text
        }
        function pattern(text) {
            gsub(/[][\\.^$*+?(){}|]/, "\\\\&", text)
            gsub(/\\\.\\\.\\\./, ".*", text)
            return "^" text "$"
        }
        FNR == NR { said[++n] = blanks($0); next }
        failed || /^[0-9T:.-]*Z (error|warning) / { next }
        {
            line = blanks($0)
            while (at < n && said[at + 1] == "...") {
                at++
                skip = 1
            }
            if (at < n && line ~ pattern(said[at + 1])) {
                at++
                skip = 0
            } else if (!skip) {
                print "printed: " line
                print "the guide has: " (at < n ? said[at + 1] : "no more")
                failed = 1
            }
        }
        END {
            while (at < n && said[at + 1] == "...")
                at++
            if (!failed && at < n)
                print "not printed: " said[at + 1]
        }' "$1" "$2"
}

run_line() { # COMMAND: what it prints, on whichever stream
    case $1 in
    cleversync*\|*) ok "${1%% |*} is a command" eval "${1%%|*} --help" ;;
    cleversync*)
        eval "$1" >"$dir/printed" 2>&1 </dev/null
        got=$?
        is "$(echo $1)" "$(as_said "$dir/said" "$dir/printed")
exit code $got" "
exit code ${wanted:-$got}"
        wanted=
        ;;
    apt\ * | cat\ * | cd\ * | openssl\ * | systemctl\ * | \
        systemd-tmpfiles\ * | tee\ *) ;;
    *) is "only the program's commands are typed" "$1" "" ;;
    esac
}

wanted=
start_lab
addresses
script >"$dir/script"
while IFS= read -r line; do
    case $line in
    T\ *) eval "${line#T }" || note "cannot arrange ${line#T }" ;;
    C\ *)
        command=${line#C }
        : >"$dir/said"
        ;;
    O\ *) printf '%s\n' "${line#O }" >>"$dir/said" ;;
    E) run_line "$command" ;;
    esac
done <"$dir/script"
is "the guide has been followed to its end" \
    "$tap_count" "$(grep -c '^C cleversync' "$dir/script")"

# ---- What it says besides --------------------------------------------------------

cleversync config sample | awk '/^\[/ { section = $1 }
    /^#[a-z_]+ =/ { print section " " substr($1, 2) }' >"$dir/settings"
cleversync config sample keyvault | awk '/^\[/ { section = $1 }
    /^#[a-z_]+ =/ { print section " " substr($1, 2) }' >>"$dir/settings"
is "settings of the old system are where it says" \
    "$(sed -n 's/^\.It Li [^ ]* Ta //p' "$guide" | while read -r setting; do
        grep -Fqx -e "$setting" "$dir/settings" || echo "$setting"
    done)" ""
"$CLEVERSYNC" --help |
    sed -n 's/^  \([a-z-]*\( [a-z-]\{1,\}\)\{0,1\}\)  *[A-Z].*/\1/p' \
        >"$dir/commands"
is "commands that it names are there" "$(sed 's/\\-/-/g' "$guide" |
    grep -Eo '^\.(Ic|Ql) cleversync [a-z-]+( [a-z-]+)?' |
    while read -r _ _ first second; do
        grep -qx -e "$first" -e "$first $second" "$dir/commands" ||
            echo "$first $second"
    done)" ""

finish
