#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The network, the server or the database goes away at each message of a sync
# in turn.  Afterwards each table of people is as it was before or as it is
# after a sync, its state agrees, and the next run goes on at once, which no
# lock nor transaction keeps it from, and heals.
#
# A lost answer comes at every message, the rest at some of them, in turn;
# CLEVERSYNC_TEST_CUTS=all makes all come at all, which takes an hour.

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/mssql-lib.sh"
requires curl sqlite3
[ -f "$CLEVERSYNC_PLUGIN_DIR/sink/sqlite-test.la" ] ||
    skip_all "the sink sqlite-test is not built"
requires_mssql
server=$(printf '%s\n' "$CLEVERSYNC_TEST_MSSQL" |
    sed -n 's/.*[Ss]erver=tcp:\([0-9.]*\),\([0-9]*\).*/\1 \2/p')
[ -n "$server" ] ||
    skip_all "CLEVERSYNC_TEST_MSSQL says no Server=tcp:ADDRESS,PORT"

start_lab --schools 2 --students 5 --teachers 2 --seed 81
set -- $(prefixes)
one=$1 two=$2
one_alone="--school $(school_id "$one")"

# Only one of the two kinds of databases is on the server, because the other
# would take as long.
on_server() { # SECTION NAME...: the section that uses these databases
    local section=$1 name
    shift
    # What is held by a session that nobody hears of any more, as a lock is, is
    # waited for as long as a school may take.
    brief="--set $section.query_timeout_seconds=3 --set sync.timeout_minutes=1"
    rm -f "$dir"/*.db
    write_config <<'END'
[sync]
full_sync_day =
[guard]
max_delete = 100%
max_update = 100%
END
    {
        mssql_section "$(echo "$section" | sed 's/sink.session/Cuts--session/
            s/sink.schools/Cuts--{school_prefix}/')"
        echo "encrypt = false"
    } >"$dir/section"
    sed "/^\[$section\]/,/^path/{
        /^plugin/d
        /^path/{
            r $dir/section
            d
        }
    }" "$config" >"$dir/server.conf"
    mv "$dir/server.conf" "$config"
    for name in "$@"; do
        new_database || skip_all "the server makes no databases"
        echo "$name $mssql_database" >>"$dir/databases"
        at_port "$name"
    done
    register
    exits 0 "$section: the schools are filled" cs run
    stored "$one"
    keep old
}

database() { # NAME: what it is called on the server, if it is there
    awk -v name="$1" '$1 == name { print $2 }' "$dir/databases"
}

at_port() { # NAME [PORT]: where the program finds this database
    local name
    name=$(echo "Cuts--$1" | tr a-z- A-Z_)
    export "$name=$(printf '%s\n' "$CLEVERSYNC_TEST_MSSQL" |
        sed "s/,${server#* }/,${2:-${server#* }}/");Database=$(database "$1")\
;Connect Timeout=5"
}

# ---- What is looked at ---------------------------------------------------------

stored() { # NAME: its people and its state go to $dir/now.*
    local query="SELECT 'Student', CleverStudentId, FirstName, LastName, Email,
            Grade, StudentNumber, IsActive FROM Students ORDER BY 2;
        SELECT 'Teacher', CleverTeacherId, FirstName, LastName, Email, Title,
            IsActive FROM Teachers ORDER BY 2;
        SELECT 'State', Entity, [Cursor], RunId FROM SyncState ORDER BY 2"
    if [ -f "$dir/$1.db" ]; then
        sqlite3 -readonly -separator '	' "$dir/$1.db" "$query"
    else
        mssql "$query" "$(database "$1")"
    fi >"$dir/now" 2>&1
    for entity in Student Teacher; do
        grep "^$entity" "$dir/now" >"$dir/now.$entity"
        grep "^State	$entity" "$dir/now" >"$dir/now.$entity.state"
    done
}

keep() { # AS: what was looked at
    for entity in Student Teacher; do
        cp "$dir/now.$entity" "$dir/$1.$entity"
        cp "$dir/now.$entity.state" "$dir/$1.$entity.state"
    done
}

as_in_clever() { # NAME: says whose people who are active are not Clever's
    local entity
    for entity in Student Teacher; do
        tap_truth "$1" "$(echo $entity | tr ST st)"
        sqlite3 -separator '	' :memory: "SELECT key,
            json_extract(value, '\$.FirstName'),
            json_extract(value, '\$.LastName')
            FROM json_each(readfile('$dir/truth')) ORDER BY key" >"$dir/right"
        grep '	1$' "$dir/now.$entity" | cut -f 2-4 |
            LC_ALL=C sort | cmp -s - "$dir/right" ||
            echo "${entity}s are not as in Clever"
    done
}

changes=0
change() { # people come, change and leave
    local leaver
    changes=$((changes + 1))
    leaver=$(person "$one" student 2)
    {
        post "/lab/change?id=$(person "$one" student 1)&field=last\
&value=Canary-$changes"
        post "/lab/change?id=$(person "$one" teacher 1)&field=last\
&value=Canary-$changes"
        post "/lab/add?school=$(school_id "$one")&role=student"
        post "/lab/delete?id=$leaver"
    } >/dev/null || note "no change"
}

# ---- A run with a cut ------------------------------------------------------------

relay() { # NAME WHAT N: between the program and this database; sets relay
    : >"$dir/relay"
    rm -f "$dir/go"
    mkfifo "$dir/go"
    "$builddir/tests/relay" $server 0 "$2" "$3" >"$dir/relay" <>"$dir/go" &
    relay=$!
    wait_for test -s "$dir/relay"
    at_port "$1" "$(head -n 1 "$dir/relay")"
}

is_cut() {
    grep -q '^cut' "$dir/relay"
}

relay_ends() { # NAME
    kill "$relay"
    wait "$relay" 2>/dev/null
    at_port "$1"
}

run() { # WORD...: sets code
    cs run "$@" >"$dir/out.run" 2>"$dir/err.run" </dev/null
    code=$?
    cat "$dir/out.run" "$dir/err.run" >>"$dir/said"
    return $code
}

run_cut() { # NAME WHAT N [WORD...]: a run; false: it needs fewer messages
    local name=$1 what=$2 n=$3
    shift 3
    relay "$name" "$what" "$n"
    if [ "$what" = pause ]; then
        run_paused "$name" "$@"
    else
        run "$@"
    fi
    is_cut || [ "$code" -ne 0 ]
    cut=$?
    relay_ends "$name"
    return $cut
}

run_paused() { # NAME [WORD...]: while it waits for the relay, $meanwhile is done
    local name=$1
    shift
    run "$@" &
    running=$!
    wait_for is_cut_or_done
    ! is_cut || $meanwhile "$name"
    echo >"$dir/go"
    wait "$running"
    code=$?
}

is_cut_or_done() {
    is_cut || ! kill -0 "$running"
}

all_or_nothing() { # says what is neither
    local entity
    for entity in Student Teacher; do
        if cmp -s "$dir/cut.$entity" "$dir/old.$entity"; then
            cmp -s "$dir/cut.$entity.state" "$dir/old.$entity.state" ||
                echo "$entity: the state is newer than the rows"
            [ "$code" -ne 0 ] || echo "$entity: exit 0, but nothing is there"
        elif cmp -s "$dir/cut.$entity" "$dir/now.$entity"; then
            ! cmp -s "$dir/cut.$entity.state" "$dir/old.$entity.state" ||
                echo "$entity: the rows are newer than the state"
        else
            echo "$entity: half of it is there"
        fi
    done
}

# A cut, and what the next run makes of it.
cut_at() { # NAME WHAT N: false: the run needs fewer messages
    local cut_code
    change
    if ! run_cut "$@" $one_alone $brief \
        --set retry.database_max_attempts=0; then
        stored "$one"
        keep old
        return 1
    fi
    cut_code=$code
    stored "$one"
    keep cut
    run $one_alone
    stored "$one"
    is "$2 at message $3 of $1: all or nothing, and the next run heals" "$(
        [ "$code" -eq 0 ] || echo "the next run ends with $code"
        code=$cut_code
        case $code in
        0 | 3 | 5 | 11) ;; # 11: the server still knows the lost session
        *) echo "the run that was cut ended with $code" ;;
        esac
        all_or_nothing
        as_in_clever "$one"
    )" "" || tail -n 5 "$dir/err.run" | sed 's/^/#   /'
    keep old
}

# The same, but the run repeats by itself what failed.
repeat_at() { # NAME WHAT N: false: the run needs fewer messages
    change
    run_cut "$@" $one_alone || return 1
    stored "$one"
    is "$2 at message $3 of $1: the run itself heals" "$(
        [ "$code" -eq 0 ] || echo "it ends with $code"
        as_in_clever "$one"
    )" "" || {
        tail -n 5 "$dir/err.run" | sed 's/^/#   /'
        run $one_alone
    }
}

series() { # FUNCTION NAME STEP WHAT...: at every STEPth message, in turn
    local at=$1 name=$2 step=$3 n=1
    shift 3
    [ "$CLEVERSYNC_TEST_CUTS" != all ] || step=1
    while [ "$n" -lt 200 ] && $at "$name" "$1" "$n"; do
        set -- "$@" "$1"
        shift
        n=$((n + step))
    done
    is "a run needs fewer than $n messages of $name" "$((n > 10 && n < 200))" 1
}

every_kind() { # NAME STEP
    local what
    if [ "$CLEVERSYNC_TEST_CUTS" = all ]; then
        for what in unsent stop delay pause down; do
            series cut_at "$1" 1 $what
        done
    else
        series cut_at "$1" "$2" stop delay pause down unsent
    fi
}

kill_sessions() { # NAME: all that use this database
    local session
    for session in $(mssql "SELECT DISTINCT spid FROM sys.sysprocesses
        WHERE dbid = DB_ID('$(database "$1")')" master); do
        mssql "KILL $session" master || note "session $session is not killed"
        killed=$((killed + 1))
    done
}

killed=0
meanwhile=kill_sessions

# ---- The session's connection ------------------------------------------------------

on_server sink.session session
series cut_at session 3 lost
every_kind session 4
series repeat_at session 3 unsent lost
run
exits 0 "all is as in Clever" cs verify

# ---- A school's connection ---------------------------------------------------------

on_server sink.schools "$one" "$two"
series cut_at "$one" 1 lost
every_kind "$one" 4
series repeat_at "$one" 3 unsent lost
run
exits 0 "all is as in Clever" cs verify

# ---- The database is taken away --------------------------------------------------

take_away() { # NAME
    kill_sessions "$1"
    wait_for mssql "DROP DATABASE $(database "$1")" master ||
        note "the database cannot be dropped"
}

other_is_right() { # DESCRIPTION
    stored "$two"
    is "$1: the other school is as in Clever" "$(as_in_clever "$two")" ""
}

meanwhile=take_away
change
post "/lab/change?id=$(person "$two" student 1)&field=last&value=Canary-1" \
    >/dev/null
run_cut "$one" pause 12
is "a database is taken away in the middle: exit code" "$code" 3
other_is_right "taken away in the middle"
post "/lab/change?id=$(person "$two" student 1)&field=last&value=Canary-2" \
    >/dev/null
run
is "a database that is not there: exit code" "$code" 3
other_is_right "not there"
mssql "CREATE DATABASE $(database "$one")" master
run
is "it is there again, and empty: exit code" "$code" 0
stored "$one"
is "it is filled" "$(as_in_clever "$one")" ""
exits 0 "all is as in Clever in the end" cs verify
is "sessions were killed" "$((killed > 2))" 1

unlike "no name is in any log" "$dir/said" 'Canary-|example\.edu|Secret-'
finish
