#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# plugins new: what it writes can be built, has a test that finds faults, and
# is accepted; what it cannot write leaves nothing behind.

. "${srcdir:-.}/tests/lib.sh"
requires make
: >"$config"
: "${CC:=cc}" "${JANSSON_LIBS:=-ljansson}"
kinds="credential source mapper sink notifier"
unset MAKEFLAGS MFLAGS # they are the outer make's
mkdir "$dir/new"
cd "$dir/new" || exit 99

warnings="-Wshadow -Wformat=2 -Wwrite-strings -Wvla -Wstrict-prototypes \
    -Wmissing-prototypes -Werror"

build() { # FOLDER WORD...: make, with the tree's header
    local folder=$1
    shift
    make -C "$folder" --no-print-directory CC="$CC" CFLAGS="-O2 -g $warnings" \
        CLEVERSYNC_CFLAGS="-I$srcdir/include $JANSSON_CFLAGS" \
        CLEVERSYNC_LIBS="$JANSSON_LIBS" PLUGINDIR="$dir/plugins" "$@"
}

# ---- What it writes ----------------------------------------------------------

for kind in $kinds; do
    ok "a $kind is written" cs plugins new "$kind" "my-$kind"
    like "which is said" "$out" "^my-$kind is a new $kind plugin"
    is "$kind: its files" "$(ls "my-$kind" | tr '\n' ' ')" \
        "Makefile README fake-host.h my-$kind.c my-$kind.conf test-my-$kind.c "
    is "$kind: no word is left to be filled in" \
        "$(grep -r '@[a-zA-Z]*@' "my-$kind")" ""
    ok "$kind: it is built" build "my-$kind" all
    ok "$kind: it passes its test" build "my-$kind" test
    like "$kind: which says what it tried" "$out" '^ok 5 - '
    ok "$kind: it passes the cases for all of its kind" \
        build "my-$kind" check CLEVERSYNC="$CLEVERSYNC"
    like "$kind: which were tried" "$out" '^# [1-9][0-9]+ passed, 0 failed'
    [ "$kind" != sink ] ||
        unlike "$kind: none of them was skipped" "$out" '# SKIP'
    ok "$kind: it is installed" build "my-$kind" install
    ok "$kind: it is accepted" env CLEVERSYNC_PLUGIN_DIR="$dir/plugins" \
        "$CLEVERSYNC" --config "$config" plugins info "$kind/my-$kind"
    ok "$kind: it is built by clang, too" build "my-$kind" clean all \
        CC="$(command -v clang || echo "$CC")"
done
ok "a mapper's table has its name" grep -q '"Mymappers"' my-mapper/my-mapper.c

ok "their sections are sound" sh -c 'cat my-*/*.conf >sections &&
    grep -c "^\[" sections | grep -qx 5'

# ---- A test that cannot fail is worthless ------------------------------------

breaks() { # KIND SED-SCRIPT: with this fault its test fails
    sed -i "$2" "my-$1/my-$1.c"
    ok "$1: the faulty one is built" build "my-$1" all
    exits 2 "$1: its test finds the fault" build "my-$1" test
    like "$1: and says which" "$out" '^not ok [0-9]* - '
}

breaks credential 's/S_IROTH | S_IWOTH/S_IWOTH/'
breaks source 's/(uint64_t)said != records || //'
breaks mapper 's/json_is_null(value) ? CS_NULL : CS_SET/CS_SET/'
breaks sink 's/json_object_set(data, entity->table, before);//'
breaks notifier 's/O_APPEND | O_CREAT/O_TRUNC | O_CREAT/'

# ---- Names -------------------------------------------------------------------

# Some are words that Jansson, the contract or the makefile have.
for name in json cs check a-name-of-two-and-thirty-letters; do
    ok "$name is written" cs plugins new source "$name"
    ok "$name is built and passes" build "$name" all test
done
rm -r json
ok "a sink json is written" cs plugins new sink json
ok "json is built" build json all
rm -rf ./*

for name in My-list my_list 1st -x a/b ../up . '' 'a b' \
    a-name-of-three-and-thirty-letters; do
    exits 2 "\"$name\" is no name" cs plugins new source -- "$name"
done
like "which is said" "$err" 'small letters, digits and -, at most 32'
exits 2 "a kind that there is not" cs plugins new maper x
like "its neighbour is named" "$err" 'did you mean mapper'
exits 2 "a name is needed" cs plugins new source
is "nothing was written" "$(ls -A . ..  | grep -v -e '^new$' -e plugins)" \
    "$(printf '.:\n\n..:\ncleversync.conf\nerr\nout')"

# ---- What is there already, and what cannot be written -------------------------

mkdir folder
echo mine >file
exits 2 "a folder that is there is left alone" cs plugins new source folder
like "which is said" "$err" 'folder is here already'
exits 2 "so is a file" cs plugins new source file
is "they are as they were" "$(ls -A folder)$(cat file)" mine
rm -r folder file

(
    trap '' XFSZ
    ulimit -f 8
    exits 1 "a disk that is full" cs plugins new sink big
    echo "$tap_count" >"$dir/count"
)
tap_count=$(cat "$dir/count")
is "leaves nothing behind" "$(ls -A)" ""

ok "as JSON" cs plugins new source lists -o json
like "JSON has the files" "$out" '"lists/test-lists.c"'

finish
