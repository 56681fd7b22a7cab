#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Writes into each page of a plugin what the plugin says of its options; called
# by `make update-manuals'.  PROGRAM is the built one, SECRETSDIR the directory
# that it was built for: pages have that of /etc.

: "${1:?PROGRAM}" "${2:?DIRECTORY OF THE PAGES}" "${3:?SECRETSDIR}"

for page in "$2"/cleversync-*.5; do
    plugin=$(sed -n 's/^\.\\" From here .* info \([^ ]*\) --roff$/\1/p' "$page")
    "$1" plugins info "$plugin" --roff </dev/null |
        sed "s,$3,/etc/cleversync/secrets," >"$page.options" || exit 1
    [ -s "$page.options" ] || exit 1
    awk -v options="$page.options" '
        /^\.\\" end$/ { skip = 0 }
        !skip { print }
        /^\.\\" From here to "end"/ {
            skip = 1
            while ((getline line < options) > 0)
                print line
        }' "$page" >"$page.new" && mv "$page.new" "$page"
    rm "$page.options"
done
