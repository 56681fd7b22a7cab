#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Plugins that are wrong in one way each fail the conformance cases that are
# about it, and no others.  (Sinks: 43-conform.sh.)

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/conform-lib.sh"
[ -f "$builddir/tests/wrong/mapper/wrong.la" ] ||
    skip_all "the unit tests are not built"
prepare_check
export CLEVERSYNCSOS__CHECK__KEY=canary-of-the-key

begin() { # NAME KIND/PLUGIN FAULT OPTION=VALUE...: into $dir/NAME.tap
    local name=$1 plugin=$2 fault=$3 sets= set
    shift 3
    for set in "$@"; do
        sets="$sets --set ${plugin%/*}.check.$set"
    done
    start_check "$name" \
        "$builddir/tests/wrong/${plugin%/*}/.libs/${plugin#*/}.so" \
        --set "${plugin%/*}.check.fault=$fault" $sets
}

# A few at once, for the machine may be small.
start_wrong() { # KIND/PLUGIN "OPTION=VALUE..." FAULT...
    local plugin=$1 options=$2 fault pids=
    shift 2
    for fault in "$@"; do
        begin "$fault" "$plugin" "$fault" $options
        pids="$pids $!"
        [ $(($(echo "$pids" | wc -w) % 6)) -ne 0 ] || wait $pids
    done
    wait $pids
}

# These last, and do nothing meanwhile; they are looked at last.
begin deaf-store credential/wrong deaf
begin deaf-oauth credential/wrong-oauth deaf "token_url={lab}/oauth/tokens"
begin deaf-notifier notifier/wrong deaf "url={lab}/hook"
begin slow mapper/wrong slow

# ---- Faults that plugins of any kind can have --------------------------------

start_wrong credential/wrong "" none chatty environment signals files \
    threads strict range needs tells silent wordy bound
wrong none
wrong range "options: each allowed value opens or is refused"
wrong needs "options: what may be unset is"
wrong silent "life: the check"
wrong wordy "errors: a class and one sentence"
wrong tells "errors: no secret in them or in the log"
wrong bound \
    "threads: called from several, in turn" \
    "threads: instances side by side" \
    "secrets: several ask at once"
wrong strict "host: one that has grown"
wrong chatty "process: nothing on standard output or error"
for fault in environment signals; do
    wrong $fault "process: locale, folder, environment, umask and signals stay"
done
wrong files "left behind: no open files"
wrong threads "left behind: no threads"

start_check table "$builddir/tests/wrong/credential/.libs/wrong-table.so"
wait $!
wrong table \
    "plugin: says what it is" \
    "options: each has help and a sound default"

# ---- Those that end the process ----------------------------------------------

start_wrong credential/wrong "" crashes exits
wrong crashes "options: each allowed value opens or is refused"
like "a crash is told, with its signal and where" "$dir/crashes.tap" \
    '^# number = 10: the plugin crashed \(signal 9, Killed\); no case '
is "the case is the last one" "$(sed -n 's/^1\.\.//p' "$dir/crashes.tap")" \
    "$(grep -cE '^(not )?ok ' "$dir/crashes.tap")"
wrong exits "plugin: a first call"
like "an exit is no success" "$dir/exits.tap" \
    '^# the plugin ended the program \(exit code [0-9]+\)'
begin aborts mapper/wrong crashes
wait $!
wrong aborts "records: the key is set first"
check_crash() { # WHEN
    WRONG_CRASH=$1 cs plugins check -o json \
        "$builddir/tests/wrong/credential/.libs/wrong-crash.so"
}
ok "one that does not crash passes" check_crash never
exits 1 "a crash is exit 1" check_crash load
like "as JSON it has the case" "$out" '"plugin: is loaded"'
like "and what happened" "$out" 'the plugin (crashed|ended the program) \('
exits 1 "so is one behind all cases" check_crash end
like "JSON has the cases" "$out" '"failed": 0'
like "which is told apart" "$err" '^cleversync: the plugin .* behind the last'

# ---- Stores of secrets -------------------------------------------------------

start_wrong credential/wrong "" past cuts changes void empty loose quotes
wrong changes \
    "secrets: found, and the same again" \
    "secrets: several ask at once"
wrong empty "secrets: missing is not empty"
wrong void "secrets: empty is the operator's fault"
wrong cuts "secrets: a large one is whole"
wrong past "secrets: none expires before it is used"
wrong loose "secrets: odd names lead nowhere"
wrong quotes "errors: no secret in them or in the log"

start_wrong credential/wrong-oauth "token_url={lab}/oauth/tokens" none \
    remembers gives-up misjudges
wrong none
wrong remembers "secrets: a changed one is given"
wrong gives-up "secrets: a store that is away is CS_E_RETRY"
wrong misjudges "secrets: one that refuses is CS_E_AUTH"
# ---- Mappers -----------------------------------------------------------------

start_wrong mapper/wrong "" none quotes dies vague clears keeps picky \
    shouts cuts guesses skips idle spills peeks counts local keyless late
wrong none
wrong local "records: a full one becomes a row"
wrong keyless "records: one without a key is set aside"
wrong skips "records: who is elsewhere has left"
wrong guesses "records: one that does not say is CS_MAYBE"
wrong late "records: the key is set first"
wrong dies "records: strange types are at most rejects"
for fault in quotes vague; do
    wrong $fault "records: a reject names the field, not its value"
done
wrong counts "records: the same one becomes the same row"
wrong spills "records: only declared columns are written"
wrong clears "fields: absent is not null"
wrong keeps "fields: null is not absent"
wrong picky "fields: empty and blank are no reason to reject"
wrong shouts "fields: all scripts, as they came"
wrong cuts "fields: overlong text is not cut"
wrong peeks "fields: only declared ones are read"
wrong idle "fields: declared ones are read"

# ---- Sources -----------------------------------------------------------------

start_wrong source/wrong "" none twice generous cursors trusts loses greedy deaf
wrong none
wrong greedy "pages: of any size"
wrong loses "pages: from each cursor on"
wrong cursors "records: objects, each with what belongs to it"
wrong generous "collections: one that is not there"
wrong twice "pages: each ends once"
wrong deaf "pages: one that is stopped"
wrong trusts "cursors: one that is none is CS_E_CURSOR"

start_wrong source/wrong-feed "" none mark early
wrong none
wrong mark "feed: nothing is behind its mark"
wrong early "feed: it ends at its mark"
start_wrong source/wrong-order "" order
wrong order \
    "feed: changes come in the order of their cursors" \
    "feed: from each change on"

start_wrong source/wrong-clever "base_url={lab}/v3.0" none blind hasty waits \
    shrugs hopes
wrong none
wrong blind "clever: the check knows the district"
wrong waits "clever: 404 is CS_E_NOT_HERE"
wrong shrugs \
    "clever: 401 is CS_E_AUTH" \
    "clever: 403 is CS_E_AUTH, or no feed"
wrong hasty \
    "clever: 500 is CS_E_RETRY" \
    "clever: 503 is CS_E_RETRY" \
    "clever: 429 is CS_E_RETRY" \
    "clever: a closed connection is CS_E_RETRY" \
    "clever: half a body is CS_E_RETRY" \
    "clever: a page that is cut short, any of them"
wrong hopes \
    "clever: HTML is no page" \
    "clever: {} is no page" \
    "clever: data null is no page" \
    "clever: what is not UTF-8 is no page" \
    "clever: what is nested deeply is no page" \
    "clever: a name of 10 MB is no page" \
    "clever: a link to the same page is no way on" \
    "clever: a link backwards is no way on" \
    "clever: a link to another host is no way on"

# ---- Notifiers ---------------------------------------------------------------

start_wrong notifier/wrong "url={lab}/hook" none few some narrow blind \
    scribbles sends gives-up insists again forgets
wrong none
wrong blind \
    "events: each kind is taken" \
    "events: a hundred at once"
for fault in few again; do
    wrong $fault "events: a hundred at once"
done
wrong some "events: none at once"
wrong narrow "events: those of a later version are no error"
wrong scribbles "events: they stay as they are"
wrong gives-up "peers: what may heal comes again"
wrong insists "peers: what never heals does not"
wrong sends "peers: no secret in what is sent"
wrong forgets \
    "events: CS_OK is delivered" \
    "peers: what may heal comes again" \
    "peers: what never heals does not" \
    "peers: one that hangs"

# ---- Those that do not come back, or not soon --------------------------------

wait
wrong deaf-store "cancel: a call without time left"
like "a call that does not come back is named" "$dir/deaf-store.tap" \
    '^# a call without time left: a call of the plugin did not come back'
wrong deaf-oauth \
    "cancel: a call without time left" \
    "cancel: a call under way"
wrong deaf-notifier \
    "cancel: a call without time left" \
    "cancel: a call under way" \
    "peers: one that hangs"
wrong slow "fields: 20,000 records in 10 seconds"

finish
