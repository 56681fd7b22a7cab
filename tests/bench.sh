#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# make bench: what a first full sync costs, as ratios measured in this one run,
# and how memory grows with the school.

. "${srcdir:-.}/tests/lib.sh"

fail=0
limit=1000

cost() { # COMMAND...: sets cpu (seconds) and peak (KiB)
    "$builddir/tests/bench-run" "$@" >"$out" 2>"$err" || {
        tail -n 5 "$out" "$err"
        exit 1
    }
    read -r cpu peak <<END
$(tail -n 1 "$err")
END
}

school_lab() { # STUDENTS TEACHERS: a lab with one school, and a configuration
    start_lab --schools 1 --students "$1" --teachers "$2"
    rm -f "$dir"/*.db*
    write_config <<END
[sync]
page_size = $limit
page_size_max = $limit
[logging]
level = error
END
    register
}

verdict() { # WHAT VALUE MOST
    if awk "BEGIN { exit !($2 <= $3) }"; then
        echo "ok: $1: $2 (at most $3)"
    else
        echo "MISSED: $1: $2 (at most $3)"
        fail=1
    fi
}

lowest() { # TURNS COMMAND...: the cheapest of some turns; sets cpu
    best=
    turns=$1
    shift
    while [ "$turns" -gt 0 ]; do
        rm -f "$dir"/floor.db* "$dir"/session.db* "$dir"/[A-Z]*.db*
        [ "$1" = "$CLEVERSYNC" ] && register
        cost "$@"
        best=$(echo "$best $cpu" | tr ' ' '\n' | grep . | sort -n | head -n 1)
        turns=$((turns - 1))
    done
    cpu=$best
}

school_lab 10000 500
school=$(awk '$1 == "school" { print $2; exit }' "$dir/lab")
district=$(awk '$1 == "district" { print $2; exit }' "$dir/lab")
token=$("${CURL:-curl}" -s -u lab-client:lab-secret \
    "$lab_url/oauth/tokens?owner_type=district&district=$district" |
    sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
lowest 5 "$builddir/tests/bench-floor" "$lab_url/v3.0" "$token" "$school" \
    "$limit" "$dir/floor.db"
floor=$cpu
lowest 5 "$CLEVERSYNC" --config "$config" run
echo "first full sync of 10,500 people: $cpu s CPU, the floor program $floor s"
verdict "CPU time of a first full sync over the floor's" \
    "$(awk "BEGIN { printf \"%.3f\", $cpu / $floor }")" 0.5
cost "$CLEVERSYNC" --config "$config" run --full
echo "unchanged full sync of 10,500 people: $cpu s CPU," \
    "$(awk "BEGIN { printf \"%.3f\", $cpu / $floor }") of the floor's"

for students in 10000 100000; do
    school_lab "$students" 10
    cost "$CLEVERSYNC" --config "$config" run
    eval "first_$students=$peak"
    cost "$CLEVERSYNC" --config "$config" run --full
    eval "again_$students=$peak"
done
echo "peak memory, 10,000 students: $first_10000 KiB first, $again_10000 KiB" \
    "unchanged; 100,000: $first_100000 KiB first, $again_100000 KiB unchanged"
verdict "bytes a student on a first sync" \
    $(((first_100000 - first_10000) * 1024 / 90000)) 399
verdict "bytes a student on an unchanged sync" \
    $(((again_100000 - again_10000) * 1024 / 90000)) 99
exit $fail
