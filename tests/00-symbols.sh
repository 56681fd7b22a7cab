#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# A plugin exports its descriptor and nothing else, and leaves no symbol to be
# found when it is already running.

. "${srcdir:-.}/tests/lib.sh"
requires nm readelf

# A sanitizer's runtime adds names with two underscores, that of coverage one
# without.
exported() { # FILE
    nm -D --defined-only "$1" | sed 's/.* //' |
        grep -v -e '^__' -e '^mangle_path$'
}

bound_at_once() {
    readelf -d "$1" | grep -q 'FLAGS_1.*NOW'
}

for plugin in "$CLEVERSYNC_PLUGIN_DIR"/*/.libs/*.so; do
    name=${plugin#"$CLEVERSYNC_PLUGIN_DIR"/}
    is "$name exports one symbol" "$(exported "$plugin")" cleversync_plugin
    ok "$name is bound when it is loaded" bound_at_once "$plugin"
done
finish
