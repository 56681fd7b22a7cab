#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The layout of the sources is clang-format's.  Its versions differ, so only
# Debian 12's decides.

. "${srcdir:-.}/tests/lib.sh"
requires clang-format
case $(clang-format --version) in
*' 14.'*) ;;
*) skip_all "clang-format is not version 14" ;;
esac

cd "$srcdir" || exit 99

formatted() {
    find core examples include lab plugins templates tests -name '*.[ch]' \
        -exec clang-format --dry-run -Werror {} + 2>&1 |
        sed -n 's/: error:.*//p' | sort -u
}

# Comments are left as they are.
is "no line is longer than 80 columns" "$(find core examples include lab \
    plugins templates tests -name '*.[ch]' ! -path 'tests/abi/*' -exec awk \
    'length > 80 { print FILENAME ":" FNR }' {} +)" ""
is "the sources are formatted; make format mends them" "$(formatted)" ""
finish
