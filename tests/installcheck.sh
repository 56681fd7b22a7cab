#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What the author of a plugin elsewhere does: with nothing but the installed
# header and pkg-config, build a plugin and have the installed program load it.
# Run by `make installcheck`, which sets PKG_CONFIG_PATH and the directories.

: "${bindir:?}" "${CC:=cc}" "${availabledir:?}" "${secretsdir:?}"
: "${statedir:?}" "${DESTDIR=}"
unset CLEVERSYNC_PLUGIN_DIR
dir=$(mktemp -d "${TMPDIR:-/tmp}/cleversync-test.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "installcheck: $*" >&2
    exit 1
}

mkdir -p "$dir/plugins/mapper" || exit 99
cat >"$dir/visitor.c" <<'END'
#include <cleversync/plugin.h>

enum { VISITOR_ID, VISITOR_NCOLUMNS };
static const struct cs_column visitor_columns[VISITOR_NCOLUMNS] = {
    [VISITOR_ID] = {"CleverVisitorId", CS_TEXT, 50, CS_KEY, NULL, NULL},
};
static const struct cs_entity visitor_entity = {
    "visitor", "visitors", "Visitors", visitor_columns, VISITOR_NCOLUMNS};
static const char *const visitor_reads[] = {"id", NULL};

static enum cs_rc visitor_map(const struct cs_host *host, const json_t *record,
                              struct cs_value *row)
{
    const char *id = json_string_value(json_object_get(record, "id"));

    if (id == NULL)
        return cs_fail(host, CS_E_DATA, "a visitor without an id");
    row[VISITOR_ID].state = CS_SET;
    row[VISITOR_ID].as.text = id;
    return CS_OK;
}

static const struct cs_mapper_ops visitor_ops = {
    &visitor_entity, visitor_reads, visitor_map};
CS_MAPPER_PLUGIN("visitor", visitor_ops, .version = "1.0",
                 .summary = "people who come to look");
END

flags=$(pkg-config --cflags --libs cleversync) ||
    fail "pkg-config does not know cleversync"
$CC -std=c11 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden \
    $PLUGIN_FLAGS -o "$dir/plugins/mapper/visitor.so" "$dir/visitor.c" \
    $flags || fail "the plugin cannot be built"

for made in "$secretsdir" "$statedir"; do
    [ "$(stat -c %a "$DESTDIR$made")" = 700 ] ||
        fail "$made is not there, or not for its owner alone"
done
grep -q "^path = $statedir/" "$DESTDIR$availabledir/sqlite-test.conf" ||
    fail "sqlite-test.conf does not lead to $statedir"
grep -q "^#directory = $secretsdir\$" "$DESTDIR$availabledir/file.conf" ||
    fail "file.conf does not lead to $secretsdir"

"$bindir/cleversync" plugins info credential/file </dev/null | grep -q "else $secretsdir\$" ||
    fail "the plugin file does not look into $secretsdir"

plugindir=$(pkg-config --variable=plugindir cleversync)
"$bindir/cleversync" --version >/dev/null || fail "the program does not start"
for plugin in ${plugins:?}; do # as make knows them: plugins/KIND/NAME.la
    name=$(basename "$plugin" .la)
    "$bindir/cleversync" plugins list </dev/null >"$dir/list" ||
        fail "plugins list fails"
    grep -q "$name" "$dir/list" || fail "$name is not among the plugins"
    [ -f "$DESTDIR$plugindir/$(basename "${plugin%/*}")/$name.so" ] ||
        fail "$name is not where pkg-config says that plugins are"
done
CLEVERSYNC_PLUGIN_DIR=$dir/plugins "$bindir/cleversync" plugins info visitor \
    </dev/null >"$dir/info" || fail "the plugin is not loaded"
grep -q "people who come to look" "$dir/info" ||
    fail "plugins info does not show the plugin's summary"
echo "installcheck: a plugin from outside is built and loaded"

# The guide's way, for each kind, without a word that it does not have but for
# the places of an installation that is not where it was made for.
unset MAKEFLAGS MFLAGS MAKELEVEL
cd "$dir" || exit 99
for kind in credential source mapper sink notifier; do
    "$bindir/cleversync" plugins new "$kind" "my-$kind" >/dev/null ||
        fail "a new $kind plugin cannot be written"
    CLEVERSYNC_PLUGIN_DIR=$DESTDIR$plugindir make -C "my-$kind" check CC="$CC" \
        CFLAGS="-O2 -Werror $PLUGIN_FLAGS" CLEVERSYNC="$bindir/cleversync" \
        >made 2>&1 || {
        tail -n 30 made >&2
        fail "a new $kind plugin does not pass"
    }
    echo "installcheck: a new $kind plugin: $(sed -n 's/^# \([0-9].*\)/\1/p' made)"
done
