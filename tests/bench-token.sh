#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Tokens that live for a second, and tokens that are replaced at Clever without
# a word, while eight schools use them: nothing may fail.

. "${srcdir:-.}/tests/bench-lib.sh"

runs=0
bad=0

run_all() {
    runs=$((runs + 1))
    cs run --full >"$out" 2>>"$dir/warnings" || bad=$((bad + 1))
}

requests() { # [PATH]: how many the lab had, for it
    curl -s "$lab_url/lab/log" | grep -c "\"[^\"]*${1:-/}"
}

warnings() { # REGEX
    grep -c "$1" "$dir/warnings"
}

report() { # WHAT
    echo "$1: $runs runs of 8 schools, $(requests) requests," \
        "$(requests /oauth/tokens) for tokens," \
        "$(warnings 'refused by the service') tokens refused"
    at_most "$1: failed runs" "$bad" 0
    at_most "$1: failed schools" "$(sql session "SELECT count(*)
        FROM SyncHistory WHERE Status <> 'Success'")" 0
    at_most "$1: renewals that failed" "$(warnings 'not renewed')" 0
}

start_lab --schools 8 --students 400 --teachers 10 --fault slow,ms=70
district=$(district_ids)
write_config <<END
[logging]
level = warning
[concurrency]
max_schools_in_parallel = 8
[sync]
page_size = 10
page_size_max = 10
[http]
requests_per_minute = 0
END
sed -i "/^token_url/a token_lifetime = 1" "$config"
empty_databases

post /lab/log/clear >"$out"
: >"$dir/warnings"
for _ in 1 2 3; do
    run_all
done
report "tokens that expire"
at_least "tokens that expire: renewals" "$(requests /oauth/tokens)" 10
at_most "tokens that expire: refused" "$(warnings 'refused by')" 0

post /lab/log/clear >"$out"
runs=1
cs run --full >"$out" 2>"$dir/warnings" &
while kill -0 $! 2>/dev/null; do
    sleep 1
    post "/lab/token?district=$district" >"$out.token"
done
wait $! || bad=1
report "tokens that die"
at_least "tokens that die: refused" "$(warnings 'refused by')" 1
exit $missed
