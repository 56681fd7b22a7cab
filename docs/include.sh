#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# A page with files in its text: include.sh FOLDER, from standard input to
# standard output.  A line "@FILE@" becomes FOLDER/FILE, written so that the
# page shows its very bytes; the comments around it say where it begins and
# ends.

set -eu
export LC_ALL=C

literal() { # FILE
    test -r "$1" || exit 1
    echo ".\\\" begin ${1#"$folder"/}"
    echo '.Bd -literal'
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/'/\\\\(aq/g" \
        -e 's/`/\\(ga/g' -e 's/\^/\\(ha/g' -e 's/~/\\(ti/g' \
        -e 's/^\./\\\&./' "$1"
    echo '.Ed'
    echo '.\" end'
}

folder=$1
while IFS= read -r line; do
    case $line in
    @*@)
        file=${line#@}
        literal "$folder/${file%@}"
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done
