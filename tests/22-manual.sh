#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The manual says what the program says: every command and exit code, every
# key with its default; and it is sound.

. "${srcdir:-.}/tests/lib.sh"
docs=$srcdir/docs
: >"$config"

lacking() { # PAGE: the lines of stdin that it does not have
    while IFS= read -r line; do
        grep -Fqx -e "$line" "$docs/$1" || echo "$line"
    done
}

# "#key = value" in a sample is ".It Ic key Pq Cm value" in the page.
items() {
    sed -n -e 's/-/\\-/g' -e 's/^#\([a-z_]*\) =$/.It Ic \1/p' \
        -e 's/^#\([a-z_]*\) = \(.*\)$/.It Ic \1 Pq Cm \2/p'
}

sections() { # their headings
    sed -n -e 's/-/\\-/g' -e 's/^\[.*\]$/.Ss \\\&&/p'
}

in_page() { # DESCRIPTION: the sample in $out is in the page, in full
    local count
    is "$1: all sections" "$(sections <"$out" | lacking cleversync.conf.5)" ""
    is "$1: all keys, with their defaults" \
        "$(items <"$out" | lacking cleversync.conf.5)" ""
    cat "$out" >>"$dir/samples"
}

ok "there is a sample" cs config sample
is "it has keys" "$(items <"$out" | grep -c page_size)" 2
in_page "the core's sections"
sed -n 's/^#   \([a-z]*\): .*/.It Ic \1/p' "$out" >"$dir/pipeline"
is "a pipeline's keys" "$(wc -l <"$dir/pipeline") \
$(lacking cleversync.conf.5 <"$dir/pipeline")" "4 "
cs plugins list | awk 'NR > 1 { print $1 "/" $2 }' >"$dir/plugins"
while read -r plugin; do
    ok "$plugin has a sample" cs config sample "$plugin"
    in_page "$plugin"
done <"$dir/plugins"
is "the page has no key beside them" "$({
    items <"$dir/samples"
    cat "$dir/pipeline"
} | sort -u >"$dir/known"
    grep '^\.It Ic' "$docs/cleversync.conf.5" | sort -u |
        comm -13 "$dir/known" -)" ""

is "all commands" "$("$CLEVERSYNC" --help |
    sed -n 's/^  \([a-z-]*\( [a-z-]\{1,\}\)\{0,1\}\)  *[A-Z].*/\1/p' |
    while read -r command; do
        grep -q "^\.It Cm $command\( \|\$\)" "$docs/cleversync.1" ||
            echo "$command"
    done)" ""
is "all options" "$("$CLEVERSYNC" --help |
    sed -n 's/^  \([a-z-]*\( [a-z-]\{1,\}\)\{0,1\}\)  *[A-Z].*/\1/p' |
    while read -r command; do
        "$CLEVERSYNC" $command --help </dev/null |
            sed -n 's/^  .*--\([a-z-]*\).*/\1/p' | sed 's/-/\\\\-/g' |
            while read -r option; do
                grep -q -e "Fl .*\\\\-$option" "$docs/cleversync.1" ||
                    echo "$command $option"
            done
    done)" ""
is "all exit codes" "$(sed -n 's/^    CS_EXIT_[A-Z]* = \([0-9]*\),.*/.It \1/p' \
    "$srcdir/core/base/error.h" | lacking cleversync.1)" ""
is "all results" "$(sed -n 's/^    \(CS_[A-Z_]*\) = -*[0-9]*,.*/.It Dv \1/p' \
    "$srcdir/include/cleversync/plugin.h" |
    grep -e 'CS_E_' -e 'CS_SKIP' -e 'CS_LEFT' -e 'CS_MAYBE' |
    lacking cleversync-plugin.7)" ""

for page in "$docs"/*.[157]; do
    what="${page##*/} is sound"
    if command -v mandoc >/dev/null; then
        ok "$what" mandoc -T lint -W warning "$page"
    elif command -v groff >/dev/null; then
        groff -mdoc -ww -z -rLL=120n "$page" 2>"$err"
        is "$what" "$(cat "$err")" ""
    else
        skip "neither mandoc nor groff is installed" "$what"
    fi
done

finish
