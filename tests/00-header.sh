#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The installed header stands alone, in C11 and in C++17, means the same in
# both, and keeps what the one that plugins were built with has promised:
# tests/abi holds that as it was released.

. "${srcdir:-.}/tests/lib.sh"

: "${CC:=cc}" "${CXX:=c++}" "${JANSSON_LIBS:=-ljansson}"
: >"$config"
header=$srcdir/include/cleversync/plugin.h
frozen=$srcdir/tests/abi/plugin-1.0.h
strict="-Wall -Wextra -Wpedantic -Werror -I$srcdir/include $JANSSON_CFLAGS"

# ---- Alone, in two languages, for each compiler ------------------------------

compiles() { # LANGUAGE STANDARD COMPILER
    echo "#include <cleversync/plugin.h>" |
        $3 -x "$1" -std="$2" $strict -fsyntax-only -
}

layout() { # LANGUAGE STANDARD COMPILER
    $3 -x "$1" -std="$2" $strict -o "$dir/layout" "$srcdir/tests/abi/layout.c" &&
        "$dir/layout" >"$dir/layout.now" || return 1
    [ -f "$dir/layout.first" ] || cp "$dir/layout.now" "$dir/layout.first"
    cmp "$dir/layout.first" "$dir/layout.now"
}

plus() { # COMPILER: a plugin in C++17, as "mapper/plus"
    rm -rf "$dir/plugins"
    mkdir -p "$dir/plugins/mapper"
    $1 -std=c++17 -Wall -Wextra -Werror -I"$srcdir/include" $JANSSON_CFLAGS \
        -shared -fPIC -fvisibility=hidden -Wl,-z,defs \
        -o "$dir/plugins/mapper/plus.so" "$srcdir/tests/abi/plus.cpp" \
        $JANSSON_LIBS &&
        CLEVERSYNC_PLUGIN_DIR=$dir/plugins cs plugins info mapper/plus
}

for compiler in "$CC" clang; do
    if command -v ${compiler##* } >/dev/null; then
        ok "the header compiles as C11: $compiler" compiles c c11 "$compiler"
        ok "and means the same: $compiler" layout c c11 "$compiler"
    else
        skip "$compiler is not installed" "the header compiles as C11"
    fi
done
for compiler in "$CXX" clang++; do
    if command -v ${compiler##* } >/dev/null; then
        ok "it compiles as C++17: $compiler" compiles c++ c++17 "$compiler"
        ok "and means the same: $compiler" layout c++ c++17 "$compiler"
        ok "a plugin in C++17 is loaded: $compiler" plus "$compiler"
        like "and described" "$out" 'written in C\+\+17'
    else
        skip "$compiler is not installed" "the header compiles as C++17"
    fi
done
like "the layout was looked at" "$dir/layout.first" 'cs_host.wipe [1-9]'

# ---- What was promised ---------------------------------------------------------

broken() { # NEW [OLD]: promises that are
    awk -f "$srcdir/tests/abi/promise.awk" "${2:-$frozen}" "$1" | sort |
        tr '\n' ';'
}

is "the promises of 1.0 are kept" "$(broken "$header")" ""

# A promise that nobody would see broken is none: headers with one change each.
sed 's/^#define CS_ABI_MINOR 0/#define CS_ABI_MINOR 1/' "$frozen" \
    >"$dir/next.h"
change() { # SED-SCRIPT: of the frozen header, with the next minor number
    sed -e "$1" "$dir/next.h" >"$dir/changed.h"
    cmp -s "$dir/next.h" "$dir/changed.h" && echo "the change is none"
    broken "$dir/changed.h"
}

awk -f "$srcdir/tests/abi/grow.awk" "$frozen" >"$dir/later.h"
is "a header that grew as it may keeps them" "$(broken "$dir/later.h")" ""
is "an older one than before does not" \
    "$(broken "$frozen" "$dir/later.h" | tr ';' '\n' | grep -c 'not what it')" \
    13
is "growth needs a number" \
    "$(change '/^    void (\*wipe)/a int later;
        s/^#define CS_ABI_MINOR 1/#define CS_ABI_MINOR 0/')" \
    "there is more than before, but no higher CS_ABI_MINOR;"
is "so has a new declaration" \
    "$(change 's/^#define CS_ABI_MINOR 1/#define CS_ABI_MINOR 0/
        /^struct cs_page;/a struct cs_later;')" \
    "there is more than before, but no higher CS_ABI_MINOR;"
is "a new constant at the end is none" \
    "$(change '/^    CS_E_FATAL = -9/a CS_E_LATER = -10,')" ""
is "comments and layout are none" \
    "$(change 's,/\* NULL method: GET \*/,/* GET */,
        s/^    enum cs_type type;/    enum  cs_type   type ;/
        s/cs_type   type ;/cs_type type;/')" ""
is "a member in the middle is seen" \
    "$(change '/^    void (\*log)/i int later;')" \
    "struct cs_host is not what it was;"
is "another type is seen" \
    "$(change 's/^    size_t nrows;/    unsigned nrows;/')" \
    "struct cs_batch is not what it was;"
is "another order is seen" \
    "$(change 's/^    enum cs_rc (\*commit)(void \*self);//
        /^    void (\*rollback)/a enum cs_rc (*commit)(void *self);')" \
    "struct cs_sink_ops is not what it was;"
is "another argument is seen" \
    "$(change 's/(\*remaining_ms)(const/(*remaining_ms)(int, const/')" \
    "struct cs_host is not what it was;"
is "an array's element that grew is seen" \
    "$(change '/^    const char \*fallback; *\/\* default for/a int later;')" \
    "struct cs_column is not what it was;"
is "what is within others and grew is seen" \
    "$(change '/^    void (\*close)(void \*self);/a int later;')" \
    "struct cs_life is not what it was;"
is "another value is seen" \
    "$(change 's/^    CS_E_DATA = -4,/    CS_E_DATA = -14,/')" \
    "enum cs_rc is not what it was;"
is "a constant in the middle is seen" \
    "$(change 's/CS_ADD_COLUMN,/CS_LATER, CS_ADD_COLUMN,/')" \
    "enum cs_change is not what it was;"
is "what is gone is seen" \
    "$(change '/^typedef void cs_sql_fn/d')" \
    "typedef void cs_sql_fn(void *arg, const char *sql) is gone;"
is "another macro is seen" \
    "$(change 's/^        .kind = KIND,  /        .kind = 1,  /')" \
    "#define CS_PLUGIN is not what it was;"
is "another major number is seen" \
    "$(change 's/^#define CS_ABI_MAJOR 1/#define CS_ABI_MAJOR 2/')" \
    "#define CS_ABI_MAJOR is not what it was;"
finish
