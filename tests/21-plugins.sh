#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Plugins from outside: which there are, what they take, and how ready-made
# configuration is enabled, from nothing to a sound one.

. "${srcdir:-.}/tests/lib.sh"
export CLEVERSYNC_CONF_AVAILABLE="$dir/available" # as make install does
mkdir "$CLEVERSYNC_CONF_AVAILABLE"
for file in "$srcdir"/conf.d/*.conf "$builddir"/conf.d/*.conf; do
    [ "${file##*/}" = cleversync.conf ] ||
        cp "$file" "$CLEVERSYNC_CONF_AVAILABLE/"
done
here=$CLEVERSYNC_PLUGIN_DIR
printf '[nonsense\n' >"$config" # the commands below do not mind

# ---- list and info ---------------------------------------------------------

ok "plugins are listed" cs plugins list
like "with version and interface" "$out" '^mapper +student +[0-9.]+ +1\.0 '
unlike "none is refused" "$out" 'refused'
ok "as JSON" cs plugins list -o json
like "JSON says that it is ok" "$out" '"state": "ok"'

ok "a plugin is described" cs plugins info sqlite-test
like "its options are" "$out" '^path +text +yes +yes '
ok "a mapper is described" cs plugins info mapper/student
like "its table is" "$out" '^writes table Students$'
like "its columns are" "$out" '^CleverStudentId +text +50 +yes$'
like "what it reads is" "$out" '^reads .*name\.first'
ok "as JSON" cs plugins info student -o json
like "JSON has what it reads" "$out" '"name.first"'
exits 2 "a plugin that is not there" cs plugins info studnet
like "its neighbour is named" "$err" 'did you mean student'

# ---- Files that are no plugins ----------------------------------------------

mkdir -p "$dir/plugins/mapper" "$dir/plugins/sink"
cp "$here/mapper/.libs/student.so" "$dir/plugins/mapper/student.so"
cp "$here/mapper/.libs/student.so" "$dir/plugins/mapper/pupil.so"
cp "$here/mapper/.libs/student.so" "$dir/plugins/sink/student.so"
echo hello >"$dir/plugins/sink/text.so"
mkdir "$dir/plugins/sink/folder.so"
head -c 3000 "$here/mapper/.libs/student.so" >"$dir/plugins/sink/half.so"
export CLEVERSYNC_PLUGIN_DIR="$dir/plugins"
ok "a directory as make install leaves it" cs plugins list
like "has its plugins" "$out" '^mapper +student +[0-9.]+ +1\.0 +[^r]'
like "a renamed one is refused" "$out" 'pupil .* calls itself student'
like "one among another kind is refused" "$out" 'student .* is a mapper plugin'
like "a text file is refused" "$out" 'text .* is no shared object'
like "a folder is refused" "$out" 'folder .* is no file'
like "a cut file is refused" "$out" 'half .* is cut short'
exits 78 "a refused plugin is not described" cs plugins info text
exits 2 "a name of two kinds needs its kind" cs plugins info student
like "which is said" "$err" 'say KIND/student'

chmod o+w "$dir/plugins"
exits 78 "a directory that everybody may write is refused" cs plugins list
like "which is said" "$err" 'may be written by everybody'
CLEVERSYNC_PLUGIN_DIR=plugins
exits 78 "a relative directory is refused" cs plugins list
like "which is said" "$err" 'must be an absolute path'
CLEVERSYNC_PLUGIN_DIR=$here

# ---- enable and disable ------------------------------------------------------

cp "$srcdir/conf.d/cleversync.conf" "$config"
exits 78 "the main file alone is not enough" cs check-config
ok "ready-made files are enabled" cs plugins enable sqlite-test student
like "which is said" "$out" "^student is now enabled: $dir/conf.d/student.conf"
is "as links" "$(readlink "$dir/conf.d/student.conf")" \
    "$(readlink -f "$CLEVERSYNC_CONF_AVAILABLE/student.conf")"
ok "that is a sound configuration" cs check-config
ok "enabling again is no fault" cs plugins enable student
like "but said" "$out" '^student is already enabled'
if [ -f "$CLEVERSYNC_PLUGIN_DIR/sink/mssql-odbc.la" ]; then
    ok "another sink can be enabled beside it" cs plugins enable mssql-odbc
    exits 78 "but not used" cs check-config
    like "which is said" "$err" 'mssql-odbc.conf:.*sink.session\] has no key conn'
    ok "with the first one disabled" cs plugins disable sqlite-test
    ok "it is a sound configuration" cs check-config
    ok "and back" cs plugins disable mssql-odbc
fi
for file in "$CLEVERSYNC_CONF_AVAILABLE"/*.conf; do
    name=${file##*/}
    [ "$name" = mssql-odbc.conf ] ||
        ok "$name can be enabled" cs plugins enable "${name%.conf}"
done
exits 78 "a Key Vault has no address by itself" cs check-config
like "which is said" "$err" 'keyvault\] base_url must be set'
ok "all of them but that together are sound" cs check-config \
    --set credential.keyvault.base_url=https://north.vault.azure.net \
    --set notifier.webhook.url=https://pager.example.edu/
like "and both pipelines are there" "$out" '2 pipelines'

exits 2 "what is not there cannot be enabled" cs plugins enable studnet
like "its neighbour is named" "$err" 'did you mean student'
like "and all that is there" "$err" 'there is appinsights, clever-data, .*env, .* teacher, webhook$'
exits 2 "a path is no name" cs plugins enable ../student
ok "one is disabled" cs plugins disable teacher
is "its link is gone" "$(ls "$dir/conf.d" | grep -c teacher)" 0
ok "disabling again is no fault" cs plugins disable teacher
like "but said" "$out" '^teacher is already disabled'
exits 2 "what nobody knows cannot be disabled" cs plugins disable studen
like "its neighbour is named" "$err" 'did you mean student'
rm "$dir/conf.d/student.conf"
echo '# mine' >"$dir/conf.d/student.conf"
exits 78 "a file of one's own is left alone" cs plugins disable student
like "which is said" "$err" 'a file of your own'
is "and it is still there" "$(cat "$dir/conf.d/student.conf")" '# mine'

finish
