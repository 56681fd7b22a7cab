#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The plugins that come along pass the conformance cases of their kinds (the
# sinks in 43-conform.sh), and the command says clearly what it cannot check.

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/conform-lib.sh"
prepare_check

CLEVERSYNCSOS__APPLICATIONINSIGHTS__CONNECTIONSTRING="InstrumentationKey=\
11111111-2222-3333-4444-555555555555;IngestionEndpoint={lab}/"
export CLEVERSYNCSOS__APPLICATIONINSIGHTS__CONNECTIONSTRING
export CLEVERSYNCSOS__CHECK__VALUE=canary-of-the-environment
export CLEVERSYNCSOS__CHECK__EMPTY=
unset AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET IDENTITY_ENDPOINT \
    AZURE_AUTHORITY_HOST AZURE_FEDERATED_TOKEN_FILE CREDENTIALS_DIRECTORY \
    AZURE_CLIENT_CERTIFICATE_PATH IMDS_ENDPOINT

mkdir -m 700 "$dir/secrets"
(
    umask 077
    echo canary-of-the-file >"$dir/secrets/CleverSyncSOS--Check--Value"
    : >"$dir/secrets/CleverSyncSOS--Check--Empty"
    awk 'BEGIN { while (n++ < 3000) printf "0123456789"; print "end" }' \
        >"$dir/secrets/CleverSyncSOS--Check--Large"
)

# ---- All that come along -----------------------------------------------------

built() { # KIND/NAME
    [ -f "$CLEVERSYNC_PLUGIN_DIR/$1.la" ]
}

start() { # KIND/NAME OPTION=VALUE...: if it is built
    local plugin=$1 sets= set
    shift
    built "$plugin" || return
    for set in "$@"; do
        sets="$sets --set ${plugin%/*}.check.$set"
    done
    start_check "${plugin#*/}" "$plugin" $sets
}

passes() { # KIND/NAME SKIPPED
    if built "$1"; then
        like "$1 passes" "$dir/${1#*/}.tap" \
            "^# [0-9]+ passed, 0 failed, $2 skipped" ||
            note "$(grep -A 1 '^not ok' "$dir/${1#*/}.tap")"
    else
        skip "it is not built" "$1 passes"
    fi
}

start credential/env
start credential/file directory="$dir/secrets"
start credential/keyvault base_url="{lab}" retry_attempts=0 \
    metadata_url="{lab}/metadata/identity/oauth2/token"
start credential/clever-oauth token_url="{lab}/oauth/tokens" \
    access_token=CleverSyncSOS--Check--Value
start source/clever-data base_url="{lab}/v3.0"
start source/clever-events base_url="{lab}/v3.0"
start mapper/student
start mapper/teacher
start notifier/webhook url="{lab}/hook"
start notifier/appinsights
wait

# The environment has no 25,000 bytes, and neither it nor a file is ever away.
passes credential/env 4
passes credential/file 3
passes credential/keyvault 0
passes credential/clever-oauth 2
passes source/clever-data 0
passes source/clever-events 5
passes mapper/student 0
passes mapper/teacher 0
passes notifier/webhook 0
passes notifier/appinsights 0

# ---- What is not given -------------------------------------------------------

if built source/clever-data; then
    exits 0 "a source that nobody leads to a lab" \
        cs plugins check source/clever-data \
        --set credential.clever-oauth.token_url=http://127.0.0.1:1/
    like "its cases are skipped, and what they need is said" "$out" \
        '^ok .*clever: HTML is no page # SKIP .*base_url be \{lab\}/v3.0'
else
    skip "it is not built" "a source that nobody leads to a lab"
fi
if built credential/env; then
    unset CLEVERSYNCSOS__CHECK__VALUE
    ok "a store without the secret" cs plugins check credential/env
    like "which is said" "$out" \
        '# SKIP put a secret CleverSyncSOS--Check--Value into the store'
    ok "as JSON" cs plugins check credential/env -o json
    like "cases have levels" "$out" '"level": 2'
    like "and a reason" "$out" '"reason": "put a secret'
else
    skip "it is not built" "a store without the secret"
fi

# ---- Files -------------------------------------------------------------------

if [ -f "$builddir/tests/plugins/mapper/pupil.la" ]; then
    mapper=$builddir/tests/plugins/mapper/.libs
    ok "a file outside the plugin folder" cs plugins check "$mapper/pupil.so"
    like "which is a mapper that takes nothing" "$out" \
        'records: a full one .* # SKIP no record could be made'
    cp "$mapper/pupil.so" "$dir/scholar.so"
    exits 78 "a file with another name" cs plugins check "$dir/scholar.so"
    like "which is said" "$err" 'calls itself pupil: .* must have its name'
    exits 78 "a descriptor that is too small" \
        cs plugins check "$mapper/small.so"
    like "which is said" "$err" 'its descriptor does not have the [0-9]+ bytes'
    exits 78 "a newer interface" cs plugins check "$mapper/abi-minor.so"
    like "which is said" "$err" 'a newer cleversync is needed'
    exits 78 "no plugin at all" cs plugins check "$mapper/no-descriptor.so"
    like "which is said" "$err" 'is no plugin: it does not define'
    echo text >"$dir/text.so"
    exits 78 "no shared object" cs plugins check "$dir/text.so"
    like "which is said" "$err" 'text.so is no shared object'
    exits 2 "no file" cs plugins check "$dir/nothing.so"
    like "which is said" "$err" 'nothing.so cannot be read: No such file'
    chmod o+w "$dir/text.so"
    exits 78 "a file that everybody may write" cs plugins check "$dir/text.so"
    like "which is said" "$err" 'run chmod o-w on it'
else
    skip "the unit tests are not built" "files outside the plugin folder"
fi

finish
