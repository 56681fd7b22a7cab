# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The words that test scripts are written in.  Begin a script with
#
#     . "${srcdir:-.}/tests/lib.sh"
#
# and end it with `finish`: a script that dies before has no plan, which TAP
# counts as an error.  Each script has a directory of its own, $dir, which is
# removed at the end, and every job in the background is ended.

export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
unset http_proxy https_proxy all_proxy no_proxy ALL_PROXY HTTPS_PROXY NO_PROXY
: "${srcdir:=.}" "${builddir:=$PWD}"
: "${CLEVERSYNC:=$builddir/cleversync}"
: "${CLEVERSYNC_PLUGIN_DIR:=$builddir/plugins}"
export CLEVERSYNC CLEVERSYNC_PLUGIN_DIR

dir=$(mktemp -d "${TMPDIR:-/tmp}/cleversync-test.XXXXXX") || exit 99
config=$dir/cleversync.conf
out=$dir/out # what the command of the last `ok` or `exits` said
err=$dir/err
tap_count=0

tap_cleanup() {
    jobs >"$dir/jobs" # forgets those that have ended: their numbers may be
    jobs -p >"$dir/jobs" # somebody else's by now
    [ ! -s "$dir/jobs" ] || kill $(cat "$dir/jobs") 2>/dev/null
    wait
    chmod -R u+rwx "$dir" 2>/dev/null
    rm -rf "$dir"
}
trap tap_cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- Saying what was found ----------------------------------------------

note() { # TEXT...: a diagnostic, line by line
    printf '%s\n' "$*" | sed 's/^/# /'
}

tap_pass() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1"
}

tap_fail() {
    tap_count=$((tap_count + 1))
    echo "not ok $tap_count - $1"
}

finish() { # the plan, and the end
    echo "1..$tap_count"
    exit 0
}

skip() { # REASON DESCRIPTION: one check that cannot be made here
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $2 # SKIP $1"
}

skip_all() { # REASON: nothing of this script can be checked here
    echo "1..0 # SKIP $1"
    exit 0
}

requires() { # PROGRAM...: skips the script unless all are there
    for tap_program in "$@"; do
        command -v "$tap_program" >/dev/null ||
            skip_all "$tap_program is not installed"
    done
}

# ---- Checks --------------------------------------------------------------

exits() { # STATUS DESCRIPTION COMMAND...: ends with exactly this exit code
    local want=$1 what=$2 got
    shift 2
    "$@" >"$out" 2>"$err" </dev/null
    got=$?
    if [ "$got" -eq "$want" ]; then
        tap_pass "$what"
        return 0
    fi
    tap_fail "$what"
    note "exit $got, expected $want: $*"
    tail -n 20 "$out" "$err" | sed 's/^/#   /'
    return 1
}

ok() { # DESCRIPTION COMMAND...: succeeds
    exits 0 "$@"
}

is() { # DESCRIPTION GOT WANTED: the same text
    if [ "$2" = "$3" ]; then
        tap_pass "$1"
        return 0
    fi
    tap_fail "$1"
    note "got:    $2"
    note "wanted: $3"
    return 1
}

like() { # DESCRIPTION FILE REGEX: some line matches
    if grep -Eq -e "$3" "$2"; then
        tap_pass "$1"
        return 0
    fi
    tap_fail "$1"
    note "no line matches $3:"
    tail -n 20 "$2" | sed 's/^/#   /'
    return 1
}

unlike() { # DESCRIPTION FILE REGEX: no line matches
    if ! grep -Eq -e "$3" "$2"; then
        tap_pass "$1"
        return 0
    fi
    tap_fail "$1"
    note "a line matches $3:"
    grep -Ea -e "$3" "$2" | head -n 5 | sed 's/^/#   /'
    return 1
}

wait_for() { # COMMAND...: until it succeeds; false after half a minute
    local turns=600
    until "$@" >/dev/null 2>&1; do
        turns=$((turns - 1))
        [ "$turns" -gt 0 ] || return 1
        sleep 0.05
    done
}

# ---- The program, a lab, databases ----------------------------------------

cs() { # WORD...: the program with this test's configuration
    "$CLEVERSYNC" --config "$config" "$@"
}

start_lab() { # OPTION...: a lab of its own; sets lab_url and lab_pid
    # Which districts and schools it has stands in $dir/lab, a line each; those
    # of a lab before it must not be taken for its own.
    : >"$dir/lab"
    "$CLEVERSYNC" lab --port 0 "$@" >"$dir/lab" 2>"$dir/lab.err" </dev/null &
    lab_pid=$!
    wait_for lab_spoke
    lab_url=$(sed -n 's/^listening on //p' "$dir/lab")
    if [ -z "$lab_url" ]; then
        note "the lab did not come up:"
        sed 's/^/#   /' "$dir/lab.err"
        exit 99
    fi
    export CLEVERSYNCSOS__CLEVER__CLIENTID=lab-client
    export CLEVERSYNCSOS__CLEVER__CLIENTSECRET=lab-secret
}

lab_spoke() {
    grep -q '^school ' "$dir/lab" || ! kill -0 "$lab_pid"
}

write_config() { # the whole of it, for the lab; what comes on stdin follows
    {
        cat <<END
[cleversync]
credentials = env clever-oauth
[session]
sink = session
[sink.session]
plugin = sqlite-test
path = $dir/session.db
[sink.schools]
plugin = sqlite-test
path = $dir/{school_prefix}.db
[credential.clever-oauth]
token_url = $lab_url/oauth/tokens
[source.clever-data]
base_url = $lab_url/v3.0
[source.clever-events]
base_url = $lab_url/v3.0
[pipeline.student]
source = clever-data
delta = clever-events
mapper = student
sink = schools
[pipeline.teacher]
source = clever-data
delta = clever-events
mapper = teacher
sink = schools
[retry]
clever_api_backoff_base = 0.01
database_backoff_base = 0.01
END
        [ -t 0 ] || cat
    } >"$config"
}

register() { # the lab's districts and schools in a new session database
    if ! { cs db init && register_lines <"$dir/lab"; } \
        >"$dir/register" 2>&1; then
        note "the schools could not be registered:"
        sed 's/^/#   /' "$dir/register"
        exit 99
    fi
}

register_lines() { # district ID NAME... PREFIX, then its school ID NAME... PREFIX
    while read -r tap_kind tap_id tap_rest; do
        set -- --id "$tap_id" --name "${tap_rest% *}" --prefix "${tap_rest##* }"
        case $tap_kind in
        district)
            tap_district=$tap_id
            cs district add "$@" </dev/null
            ;;
        school) cs school add --district "$tap_district" "$@" </dev/null ;;
        esac || return 1
    done
}

sql() { # DATABASE QUERY: rows, columns joined by |; DATABASE without ".db"
    sqlite3 -readonly "$dir/$1.db" "$2"
}

hold() { # DATABASE: somebody else writes to it until `let_go`
    mkfifo "$dir/pipe"
    sqlite3 "$dir/$1.db" <"$dir/pipe" >"$dir/held" 2>&1 &
    holder=$!
    exec 9>"$dir/pipe"
    printf '.timeout 5000\nBEGIN IMMEDIATE;\nSELECT 1;\n' >&9
    wait_for grep -q 1 "$dir/held"
}

let_go() {
    exec 9>&-
    wait "$holder"
    rm "$dir/pipe"
}

# ---- A district in the lab, and what became of it -------------------------
# These need curl and sqlite3.

post() { # PATH: tells the lab something, such as /lab/delete?id=ID
    curl -fsS -m 20 -X POST "$lab_url$1"
}

fault() { # SPEC...: these faults and no others; without any: none
    post /lab/faults/clear >/dev/null
    for tap_fault in "$@"; do
        post "/lab/fault?spec=$tap_fault" >/dev/null ||
            note "the lab does not know $tap_fault"
    done
}

district_ids() { # in the lab's order
    awk '$1 == "district" { print $2 }' "$dir/lab"
}

prefixes() { # of the lab's schools, in its order
    awk '$1 == "school" { print $NF }' "$dir/lab"
}

school_id() { # PREFIX
    awk -v prefix="$1" '$1 == "school" && $NF == prefix { print $2 }' "$dir/lab"
}

person() { # PREFIX ROLE NUMBER: a key that Clever lists for this school
    tap_truth "$1" "$2"
    sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
        ORDER BY key LIMIT 1 OFFSET $3 - 1"
}

tap_truth() { # PREFIX ROLE
    curl -fsS -m 20 -o "$dir/truth" \
        "$lab_url/lab/truth?school=$(school_id "$1")&role=$2"
}

tap_wrong_rows() { # PREFIX ROLE TABLE KEY COLUMN...: those not as in the truth
    local prefix=$1 table=$3 columns="key" cells="$4" column
    tap_truth "$1" "$2" || echo "the lab does not say what is right"
    shift 4
    for column in "$@"; do
        columns="$columns, coalesce(json_extract(value, '\$.$column'), '')"
        cells="$cells, coalesce($column, '')"
    done
    sql "$prefix" "WITH
        truth AS (SELECT $columns FROM json_each(readfile('$dir/truth'))),
        stored AS (SELECT $cells FROM $table WHERE IsActive = 1)
        SELECT '$table: wrong or missing: ' || count(*) FROM
            (SELECT * FROM truth EXCEPT SELECT * FROM stored)
            HAVING count(*) > 0
        UNION ALL SELECT '$table: wrong or too many: ' || count(*) FROM
            (SELECT * FROM stored EXCEPT SELECT * FROM truth)
            HAVING count(*) > 0
        UNION ALL SELECT '$table: ' || a || ' rows, not ' || b FROM
            (SELECT count(*) AS a FROM stored),
            (SELECT count(*) AS b FROM truth) WHERE a <> b" 2>&1
}

wrong_rows() { # PREFIX: what differs between its database and Clever
    tap_wrong_rows "$1" student Students CleverStudentId \
        FirstName LastName Email Grade StudentNumber
    tap_wrong_rows "$1" teacher Teachers CleverTeacherId \
        FirstName LastName Email Title
}

right() { # DESCRIPTION [PREFIX...]: these schools, or all, are as in Clever
    local what=$1 prefix
    shift
    [ $# -gt 0 ] || set -- $(prefixes)
    is "$what" "$(for prefix in "$@"; do wrong_rows "$prefix"; done)" ""
}

rows() { # [PREFIX...]: every byte of these schools' people, or all schools'
    local prefix
    [ $# -gt 0 ] || set -- $(prefixes)
    for prefix in "$@"; do
        sql "$prefix" "SELECT * FROM Students ORDER BY StudentId;
            SELECT * FROM Teachers ORDER BY TeacherId" 2>&1
    done
}

keep_rows() { # [PREFIX...]: what they are now
    rows "$@" >"$dir/kept"
}

kept() { # DESCRIPTION [PREFIX...]: not a byte differs since `keep_rows`
    local what=$1
    shift
    rows "$@" | diff "$dir/kept" - >"$dir/differs"
    is "$what" "$(head -n 5 "$dir/differs")" ""
}

history() { # COLUMNS [CONDITION]: of the latest run, school by school
    sql session "SELECT $1 FROM SyncHistory JOIN Schools USING (SchoolId)
        WHERE RunId = (SELECT RunId FROM SyncHistory
            ORDER BY SyncId DESC LIMIT 1) AND ${2:-1}
        ORDER BY SchoolId, EntityType = 'Baseline', EntityType"
}
