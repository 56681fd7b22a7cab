#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The installed header stands alone, in C11 and in C++17, and is still the one
# that plugins were built with: tests/abi holds it as it was released.

. "${srcdir:-.}/tests/lib.sh"

: "${CC:=cc}" "${CXX:=c++}"
header=$srcdir/include/cleversync/plugin.h
frozen=$srcdir/tests/abi/plugin-1.0.h

compiles() { # LANGUAGE STANDARD COMPILER
    echo "#include <cleversync/plugin.h>" |
        $3 -x "$1" -std="$2" -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
            -I"$srcdir/include" $JANSSON_CFLAGS -
}

code() { # FILE: without comments and layout
    $CC -x c -fpreprocessed -dD -E -P -w "$1" | tr -d ' \t\n\\'
}

ok "the header compiles as C11" compiles c c11 "$CC"
if command -v "$CXX" >/dev/null; then
    ok "the header compiles as C++17" compiles c++ c++17 "$CXX"
else
    skip "no C++ compiler" "the header compiles as C++17"
fi

code "$header" >"$dir/now"
code "$frozen" >"$dir/then"
ok "the contract has something to compare" test -s "$dir/then"
ok "the contract is still that of 1.0" cmp "$dir/then" "$dir/now"
finish
