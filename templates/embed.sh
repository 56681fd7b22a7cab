#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The templates of plugins as C: embed.sh FOLDER, written to standard output.
# Each is a plugin that works and has a name of its own.  Where that name is,
# words between @ are put here, for which `plugins new` has others.

set -eu
export LC_ALL=C

general() { # WORD: the forms that a plugin's name has
    upper=$(echo "$1" | tr a-z A-Z)
    first=$(echo "$1" | cut -c 1 | tr a-z A-Z)${1#?}
    sed -e "s/\.name = \"$1\"/.name = \"@entity@\"/" \
        -e "s/\"${1}s\"/\"@entity@s\"/" -e "s/$first/@Entity@/g" \
        -e "s/${upper}_/@WORD@_/g" -e "s/${1}_/@word@_/g" \
        -e "s/$1/@name@/g"
}

bytes() { # KIND NAME: from standard input
    printf '    {"%s", "%s", (const unsigned char[]){\n' "$1" "$2"
    od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g'
    printf '0}},\n'
}

kind() { # KIND WORD
    for file in "$2.c" "test-$2.c" "$2.conf"; do
        general "$2" <"$folder/$1/$file" |
            bytes "$1" "$(echo "$file" | general "$2")"
    done
    sed -e "/^@check@\$/{r $folder/$1/check.mk" -e 'd;}' "$folder/plugin.mk" |
        bytes "$1" Makefile
}

folder=$1
echo '/* Made by templates/embed.sh. */'
echo '#include "config.h"'
echo '#include "command/template.h"'
echo '#include <stddef.h>'
echo 'const struct cs_template cs_templates[] = {'
bytes '' README <"$folder/README"
bytes '' fake-host.h <"$folder/fake-host.h"
kind credential dotenv
kind source jsonl
kind mapper device
kind sink jsonfile
kind notifier journal
echo '    {NULL, NULL, NULL},'
echo '};'
