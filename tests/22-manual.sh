#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The manual says what the program says: every command, option, exit code and
# variable, every key with its default, every plugin's page; and it is sound.

. "${srcdir:-.}/tests/lib.sh"
docs=$srcdir/docs
: >"$config"

lacking() { # PAGE: the lines of stdin that it does not have
    while IFS= read -r line; do
        grep -Fqx -e "$line" "$docs/$1" || echo "$line"
    done
}

# ---- cleversync.conf(5) against the core's tables --------------------------

# "#key = value" in a sample is ".It Ic key Pq Cm value" in the page.
items() {
    sed -n -e 's/-/\\-/g' -e 's/^#\([a-z_]*\) =$/.It Ic \1/p' \
        -e 's/^#\([a-z_]*\) = \(.*\)$/.It Ic \1 Pq Cm \2/p'
}

# "# allowed: 1..5" and "# allowed: a b" are "Allowed: 1 to 5." and
# "Allowed: a, b.", each behind its key.
allowed_in_sample() {
    awk '/^# allowed: / {
            sub(/^# allowed: /, "")
            if (!sub(/\.\./, " to "))
                gsub(/ /, ", ")
            allowed = $0
        }
        /^#[a-z_]+ =/ {
            if (allowed != "")
                print substr($1, 2) ": " allowed
            allowed = ""
        }'
}

allowed_in_page() {
    awk '/^\.It Ic/ { key = $3 }
        /^Allowed: / { print key ": " substr($0, 10, length($0) - 10) }'
}

ok "there is a sample" cs config sample
cp "$out" "$dir/sample"
is "it has keys" "$(items <"$dir/sample" | grep -c page_size)" 2
is "all sections" "$(sed -n -e 's/-/\\-/g' -e 's/^\[.*\]$/.Ss \\\&&/p' \
    "$dir/sample" | lacking cleversync.conf.5)" ""
is "all keys, with their defaults" \
    "$(items <"$dir/sample" | lacking cleversync.conf.5)" ""
is "what is allowed" "$(allowed_in_page <"$docs/cleversync.conf.5" | sort)" \
    "$(allowed_in_sample <"$dir/sample" | sort)"
sed -n 's/^#   \([a-z]*\): .*/.It Ic \1/p' "$dir/sample" >"$dir/pipeline"
is "a pipeline's keys" "$(wc -l <"$dir/pipeline") \
$(lacking cleversync.conf.5 <"$dir/pipeline")" "4 "
is "the page has no key beside them" "$({
    items <"$dir/sample"
    cat "$dir/pipeline"
} | sort -u >"$dir/known"
    grep '^\.It Ic' "$docs/cleversync.conf.5" | sort -u |
        comm -13 "$dir/known" -)" ""

# ---- cleversync(1) against the table of commands ----------------------------

"$CLEVERSYNC" --help |
    sed -n 's/^  \([a-z-]*\( [a-z-]\{1,\}\)\{0,1\}\)  *[A-Z].*/\1/p' \
        >"$dir/commands"
is "all commands" "$(while read -r command; do
    grep -q "^\.It Cm $command\( \|\$\)" "$docs/cleversync.1" ||
        echo "$command"
done <"$dir/commands")" ""
is "no command beside them" "$(sed -n '/^\.Sh COMMANDS/,/^\.Sh THE DAEMON/p' \
    "$docs/cleversync.1" | sed -n 's/^\.It Cm //p' | while read -r first rest; do
    grep -qx -e "$first" -e "$first ${rest%% *}" "$dir/commands" ||
        echo "$first $rest"
done)" ""
is "all options" "$(while read -r command; do
    "$CLEVERSYNC" $command --help </dev/null |
        sed -n 's/^  .*--\([a-z-]*\).*/\1/p' | sed 's/-/\\\\-/g' |
        while read -r option; do
            grep -q -e "Fl .*\\\\-$option" "$docs/cleversync.1" ||
                echo "$command $option"
        done
done <"$dir/commands")" ""
is "no option of a command beside them" "$(while read -r command; do
    grep "^\.It Cm $command\( \|\$\)" "$docs/cleversync.1" |
        tr ' ' '\n' | sed -n 's/^\\-/--/p' | sed 's/\\//g' |
        while read -r option; do
            "$CLEVERSYNC" $command --help </dev/null |
                grep -q -e " $option\( \|\$\)" || echo "$command $option"
        done
done <"$dir/commands")" ""
is "all exit codes" "$(sed -n 's/^    CS_EXIT_[A-Z]* = \([0-9]*\),.*/.It \1/p' \
    "$srcdir/core/base/error.h" | lacking cleversync.1)" ""
is "all variables" "$(grep -rhEo 'getenv\("[A-Z_]*"\)' "$srcdir/core" |
    sed 's/.*"\(.*\)".*/\1/' | grep -v '^CLEVERSYNC_TEST_' |
    while read -r variable; do
        grep -q "^\.It Ev.* $variable\( \|\$\)" "$docs/cleversync.1" ||
            echo "$variable"
    done)" ""
is "all results" "$(sed -n 's/^    \(CS_[A-Z_]*\) = -*[0-9]*,.*/.It Dv \1/p' \
    "$srcdir/include/cleversync/plugin.h" |
    grep -e 'CS_E_' -e 'CS_SKIP' -e 'CS_LEFT' -e 'CS_MAYBE' |
    lacking cleversync-plugin.7.in)" ""

# ---- A page for each plugin ---------------------------------------------------

# Pages are those of a build for /etc.
secrets=$(sed -n 's/^#directory = //p' "$builddir/conf.d/file.conf")
generated() { # PAGE: the part that comes from the plugin
    sed -n '/^\.\\" From here to "end"/,/^\.\\" end$/p' "$1" | sed '1d;$d'
}

literal() { # PAGE SECTION: its literal blocks, as they are read
    awk -v section=".Sh $2" '/^\.Sh / { inside = $0 == section }
        inside && /^\.Ed/ { literal = 0; print "" }
        literal { print }
        inside && /^\.Bd -literal/ { literal = 1 }' "$1" |
        sed -e 's/\\-/-/g' -e 's/\\e/\\/g'
}

# The example, with what it does not say itself.
example() { # PAGE
    literal "$1" EXAMPLES >"$dir/example/conf.d/example.conf"
    {
        echo "[cleversync]"
        echo "plugin_path ="
        grep -q '^\[session\]' "$dir/example/conf.d/example.conf" ||
            printf '%s\n' "[session]" "sink = session"
        grep -q '^\[sink\.' "$dir/example/conf.d/example.conf" ||
            printf '%s\n' "[sink.session]" "plugin = sqlite-test" \
                "path = /tmp/session.db" "[sink.schools]" \
                "plugin = sqlite-test" "path = /tmp/{school_prefix}.db"
        grep -q '^\[pipeline\.' "$dir/example/conf.d/example.conf" ||
            printf '%s\n' "[pipeline.student]" "source = clever-data" \
                "mapper = student" "sink = schools"
    } | grep -v '^plugin_path' >"$dir/example/cleversync.conf"
    "$CLEVERSYNC" --config "$dir/example/cleversync.conf" check-config
}

# The texts of a plugin's sources, one after the other, as they are printed:
# literals that stand side by side are one.
# With what its kind shares; what differs may be the plugin's name, such as that
# of a role.
spoken() { # FOLDER
    cat "$1"/*.c "$1"/*.h "$1"/../*.c 2>/dev/null | tr '\n' ' ' |
        sed -e 's/"[[:space:]]*"//g' -e 's/\\"/"/g' -e 's/"" *//g' \
            -e "s/%s/${1##*/}/g"
}

# Each sentence of DIAGNOSTICS, bit by bit: "..." stands for what differs.
unspoken() { # PAGE FOLDER: the bits that the plugin does not say
    spoken "$2" >"$dir/spoken"
    sed -n 's/^\.It Qq "\(.*\)"$/\1/p' "$1" |
        sed -e 's/""/"/g' -e 's/\\&$//' -e 's/\.\.\./\n/g' |
        sed -e 's/^[ /:]*//' -e 's/[ /]*$//' |
        while IFS= read -r bit; do
            [ -z "$bit" ] || grep -Fq -e "$bit" "$dir/spoken" || echo "$bit"
        done
}

mkdir -p "$dir/example/conf.d"
ok "the plugins are listed" cs completion plugins
cp "$out" "$dir/plugins"
while IFS=/ read -r kind name; do
    page=$docs/plugins/cleversync-$kind-$name.5
    ok "$kind/$name describes itself" cs plugins info "$kind/$name" --roff
    is "$kind/$name: its page says the same; make update-manuals mends it" \
        "$(generated "$page")" "$(sed "s,$secrets,/etc/cleversync/secrets," \
            "$out")"
    is "$kind/$name: cleversync.conf(5) knows the page" \
        "$(sed -n 's/\\-/-/g;s/^\.It Xr //p' "$docs/cleversync.conf.5" |
            grep -cx "cleversync-$kind-$name 5")" 1
    ok "$kind/$name: the example is a sound configuration" example "$page"
    is "$kind/$name: what it is said to say, it says" \
        "$(unspoken "$page" "$srcdir/plugins/$kind/$name")" ""
done <"$dir/plugins"
is "no page is of a plugin that is not in the tree" \
    "$(for page in "$docs"/plugins/*.5; do
        name=${page##*/cleversync-}
        name=${name%.5}
        [ -d "$srcdir/plugins/${name%%-*}/${name#*-}" ] || echo "$name"
    done)" ""

# ---- Are the pages sound? -------------------------------------------------------

# References to manuals are looked up among those that are installed here.
lint() {
    mandoc -T lint "$1" 2>&1 | grep -v -e 'referenced manual not found' \
        -e 'outdated mandoc.db' -e 'Sh LIFE instead of FILES' \
        -e 'trailing delimiter: Ss .*]$'
}

for page in "$docs"/*.[157] "$docs"/plugins/*.5 "$builddir"/docs/*.7; do
    what="${page##*/} is sound"
    if command -v mandoc >/dev/null; then
        is "$what" "$(lint "$page")" ""
    else
        skip "mandoc is not installed" "$what"
    fi
    what="${page##*/} is sound for groff"
    if command -v groff >/dev/null; then
        is "$what" "$(groff -mdoc -ww -z -rLL=120n "$page" 2>&1)" ""
    else
        skip "groff is not installed" "$what"
    fi
done
is "pages refer to pages that are there" \
    "$(cat "$docs"/*.[157] "$docs"/plugins/*.5 | sed 's/\\-/-/g' |
        grep -Eo 'Xr cleversync[a-z.-]* [0-9]' | sort -u |
        while read -r _ name section; do
            [ -e "$docs/$name.$section" ] ||
                [ -e "$builddir/docs/$name.$section" ] ||
                [ -e "$docs/plugins/$name.$section" ] || echo "$name"
        done)" ""

finish
