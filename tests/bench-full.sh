#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What a full sync costs beside the least that fetching, parsing whole pages
# and inserting can cost, and how memory grows with the school.

. "${srcdir:-.}/tests/bench-lib.sh"

start_lab --schools 1 --students 10000 --teachers 500
quiet_config </dev/null
school=$(awk '$1 == "school" { print $2; exit }' "$dir/lab")
district=$(awk '$1 == "district" { print $2; exit }' "$dir/lab")
token=$(curl -s -u lab-client:lab-secret \
    "$lab_url/oauth/tokens?owner_type=district&district=$district" |
    sed 's/.*"access_token": *"\([^"]*\)".*/\1/')

# In turns, so that what else the machine does meets all of them alike.
for _ in 1 2 3 4 5 6 7; do
    cost "$builddir/tests/bench-floor" "$lab_url/v3.0" "$token" "$school" \
        100 10000 "$dir/floor.db"
    echo "$cpu" >>"$dir/floor"
    empty_databases
    cost "$CLEVERSYNC" --config "$config" run
    echo "$cpu" >>"$dir/first"
    cost "$CLEVERSYNC" --config "$config" run --full
    echo "$cpu" >>"$dir/again"
done
floor=$(median <"$dir/floor")
first=$(median <"$dir/first")
again=$(median <"$dir/again")
echo "CPU seconds for 10,500 people: floor $floor, first full sync $first," \
    "unchanged full sync $again (medians of 7)"
at_most "CPU time of a first full sync over the floor's" \
    "$(calc "$first / $floor")" 0.5
at_most "CPU time of an unchanged full sync over the floor's" \
    "$(calc "$again / $floor")" 0.35
stop_lab

for students in 10000 100000; do
    start_lab --schools 1 --students "$students" --teachers 10
    quiet_config </dev/null
    empty_databases
    cost "$CLEVERSYNC" --config "$config" run
    eval "first_$students=$peak"
    cost "$CLEVERSYNC" --config "$config" run --full
    eval "again_$students=$peak"
    stop_lab
done
# shellcheck disable=SC2154 # set by eval
echo "peak memory, 10,000 students: $first_10000 KiB first, $again_10000 KiB" \
    "unchanged; 100,000: $first_100000 KiB first, $again_100000 KiB unchanged"
# shellcheck disable=SC2154
at_most "bytes a student on a first sync" \
    $(((first_100000 - first_10000) * 1024 / 90000)) 399
at_most "bytes a student on an unchanged sync" \
    $(((again_100000 - again_10000) * 1024 / 90000)) 99
exit $missed
