#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The plugins in cleversync-plugin(7), taken from its text: they can be built,
# do what their kind must, and work together; and events are as it says.

. "${srcdir:-.}/tests/lib.sh"
requires sqlite3
: "${CC:=cc}" "${JANSSON_LIBS:=-ljansson}"
page=$builddir/docs/cleversync-plugin.7
[ -f "$page" ] || skip_all "the guide is not built"
all="credential/dotenv source/jsonl mapper/device sink/jsonfile notifier/journal"

# ---- Their text ----------------------------------------------------------------

from_guide() { # NAME: what the page shows under it
    sed -n '/^\.\\" begin '"$(echo "$1" | sed 's,/,\\/,')"'$/,/^\.\\" end$/ {
        /^\.\\"/d; /^\.Bd/d; /^\.Ed/d
        s/^\\&//; s/\\-/-/g; s/\\(aq/'"'"'/g; s/\\(ga/`/g; s/\\(ha/^/g
        s/\\(ti/~/g; s/\\e/\\/g; p
    }' "$page"
}

shown() { # FILE: it stands in the page as it is read, line by line
    awk 'BEGIN { RS = "\001" } NR == FNR { page = $0; next }
        { exit !index(page, $0) }' "$dir/read" "$1"
}

if command -v mandoc >/dev/null; then
    mandoc -T utf8 -O width=100 "$page" | col -bx | sed 's/^     //' >"$dir/read"
fi
mkdir -p "$dir/text" "$dir/plugins"
for plugin in $all; do
    name=${plugin#*/}
    from_guide "$plugin.c" >"$dir/text/$name.c"
    ok "$name is in the guide" grep -q "_PLUGIN(\"$name\"" "$dir/text/$name.c"
    ok "$name is what plugins new writes" \
        cmp "$dir/text/$name.c" "$srcdir/templates/$plugin.c"
    if [ -f "$dir/read" ]; then
        ok "$name can be copied from the screen" shown "$dir/text/$name.c"
    else
        skip "mandoc is not installed" "$name can be copied from the screen"
    fi
done
from_guide credential/test-dotenv.c >"$dir/text/test-dotenv.c"
{
    from_guide pipeline.conf | sed -e "s,/srv/cleversync,$dir,g" \
        -e 's/^notifiers = .*/&\nalert_after_consecutive_failures = 2/'
    printf '%s\n' '[retry]' 'clever_api_backoff_base = 0.01'
} >"$config"

# ---- They are built, and pass --------------------------------------------------

strict="-std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -I$srcdir/include $JANSSON_CFLAGS"

for plugin in $all; do
    name=${plugin#*/}
    mkdir -p "$dir/plugins/${plugin%/*}"
    ok "$name is built" $CC $strict -shared -fPIC -fvisibility=hidden \
        -Wl,-z,defs -o "$dir/plugins/$plugin.so" "$dir/text/$name.c" \
        $JANSSON_LIBS
done

# A sanitizer that the program was built with is in the way of another.
sanitize=
echo 'int main(void) { return 0; }' >"$dir/text/try.c"
$CC -fsanitize=address,undefined -o "$dir/text/try" "$dir/text/try.c" \
    2>/dev/null && "$dir/text/try" && sanitize=-fsanitize=address,undefined
for plugin in $all; do
    name=${plugin#*/}
    test=$srcdir/templates/${plugin%/*}/test-$name.c
    [ "$name" = dotenv ] && test=$dir/text/test-dotenv.c
    ok "$name: its test is built" $CC -g $sanitize $strict \
        -I"$srcdir/templates" -o "$dir/text/test-$name" "$test" \
        "$dir/text/$name.c" $JANSSON_LIBS
    ok "$name: passes its test${sanitize:+, with sanitizers}" \
        "$dir/text/test-$name"
done

check() { # KIND/NAME OPTION: the cases for its kind
    "$CLEVERSYNC" --config "$dir/empty.conf" plugins check \
        "$dir/plugins/$1.so" ${2:+--set "$2"}
}

: >"$dir/empty.conf"
mkdir "$dir/check"
echo '{"records": 0}' >"$dir/check/students.ndjson"
(umask 077 && echo CleverSyncSOS--Check--Value=x >"$dir/secrets")
ok "dotenv passes the cases for credential plugins" \
    check credential/dotenv "credential.check.path=$dir/secrets"
ok "jsonl passes the cases for sources" \
    check source/jsonl "source.check.directory=$dir/check"
ok "device passes the cases for mappers" check mapper/device
ok "jsonfile passes the cases for sinks" \
    check sink/jsonfile "sink.check.path=$dir/check.json"
ok "journal passes the cases for notifiers" \
    check notifier/journal "notifier.check.path=$dir/check.journal"

shipped=$CLEVERSYNC_PLUGIN_DIR
export CLEVERSYNC_PLUGIN_DIR="$dir/plugins"

# ---- They work together ----------------------------------------------------------

list=$dir/lists/5f9e/devices.ndjson
mkdir -p "${list%/*}"
from_guide devices.ndjson >"$list"

devices() { # of the school, as KEY ACTIVE MODEL LENT
    sqlite3 :memory: "SELECT value ->> 'CleverDeviceId', value ->> 'IsActive',
        value ->> 'Model', value ->> 'Lent'
        FROM json_each(readfile('$dir/North.json'), '\$.Devices.rows')" |
        tr '\n' ' '
}

follow() { # the commands of the guide
    from_guide commands >"$dir/commands"
    while read -r word rest; do
        [ "$word" = cleversync ] && cs $rest || return 1
    done <"$dir/commands"
}

ok "the configuration of the guide is sound" cs check-config
ok "its commands can be followed" follow
is "the listing is in the database" "$(devices)" "d1|1|Book|1 d2|1|Book|0 "
ok "a second run" cs run --full -o json
like "changes nothing" "$out" '"updated": 0'
like "and inserts nothing" "$out" '"inserted": 0'

printf '%s\n' '{"id": "d2", "lent": true}' '{"records": 1}' >"$list"
cp "$list" "$dir/listing"
ok "one is no longer there" cs run --full
is "it has gone, the other is as it is listed" "$(devices)" "d2|1||1 "
echo '{"id": "d1"}' >"$list"
exits 5 "a listing that was cut short" cs run --full
like "is told" "$out" 'is it being written'
is "and nobody leaves on its word" "$(devices)" "d2|1||1 "
rm "$list"
exits 1 "one that is not there" cs run --full
is "says nothing either" "$(devices)" "d2|1||1 "
cp "$dir/listing" "$list"
ok "it is there again" cs run
ok "a test of the notifier" cs notify test

# ---- Events are as the guide says --------------------------------------------------

types() { # "MEMBER TYPE" lines, types in JSON's words
    sed -n '/^\.It Vt /,/^\.El/p' "$page" | awk '
        /^\.It Vt/ { type = $3 }
        /^\.Va/ { for (i = 2; i <= NF; i++) if ($i != ",") print $i, type }' |
        sed -e 's/ string$/ text/' -e 's/ boolean$/ true|false/'
}

members() { # "EVENT MEMBER" lines
    awk '/^\.It Va/ { event = $3 }
        /^\.Pq Va/ { for (i = 3; i <= NF; i++) if ($i != ",") print event, $i }' \
        "$page"
    for event in $(sed -n 's/^\.It Va //p' "$page"); do
        printf '%s\n' "$event event" "$event id" "$event time" "$event level"
    done
}

types >"$dir/types"
members | sort -u >"$dir/members"
while IFS= read -r line; do
    printf '%s' "$line" >"$dir/event"
    sqlite3 -separator ' ' :memory: "SELECT json_extract(readfile('$dir/event'),
        '\$.event'), key, type FROM json_each(readfile('$dir/event'))"
done <"$dir/journal" | sort -u >"$dir/seen"
is "events of all sorts were seen" "$(cut -d ' ' -f 1 "$dir/seen" | uniq |
    tr '\n' ' ')" \
    "alert dependency exception metric recovered request run_finished school_failed test "
is "none has a member that the guide does not give it" \
    "$(cut -d ' ' -f 1,2 "$dir/seen" | uniq | comm -23 - "$dir/members")" ""
is "all are of the types of the guide" "$(while read -r event member type; do
    grep -Eq "^$member ([a-z]*\|)?$type(\|[a-z]*)?\$" "$dir/types" ||
        echo "$event $member $type"
done <"$dir/seen")" ""

# ---- With the lab: credentials and people ------------------------------------------

if [ -f "$shipped/source/clever-data.la" ]; then
    start_lab --schools 2 --students 40
    (umask 077 && printf '%s\n' CleverSyncSOS--Clever--ClientId=lab-client \
        CleverSyncSOS--Clever--ClientSecret=lab-secret >"$dir/secrets")
    unset CLEVERSYNCSOS__CLEVER__CLIENTID CLEVERSYNCSOS__CLEVER__CLIENTSECRET
    for plugin in credential/clever-oauth source/clever-data \
        source/clever-events mapper/student mapper/teacher; do
        cp "$shipped/${plugin%/*}/.libs/${plugin#*/}.so" \
            "$dir/plugins/${plugin%/*}/"
    done
    write_config </dev/null
    sed -i -e 's/^credentials = .*/credentials = dotenv clever-oauth/' \
        -e 's/sqlite-test/jsonfile/' -e 's/\.db$/.people/' "$config"
    printf '%s\n' '[credential.dotenv]' "path = $dir/secrets" >>"$config"
    register
    ok "people are synced with secrets from dotenv into jsonfile" cs run
    ok "and are as in Clever" cs verify
    like "all of them" "$dir/$(prefixes | head -n 1).people" '"CleverStudentId"'
    ok "an incremental run" cs run
else
    skip "clever-data is not built" "people are synced"
fi

finish
