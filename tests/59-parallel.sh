#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Schools side by side: as many as are allowed, none in another's way.  This is
# also what the program is watched at by sanitisers.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --districts 2 --schools 4 --students 60 --teachers 8
write_config <<'END'
[sync]
default_mode = full
full_sync_day =
page_size = 20
page_size_max = 20
batch_size = 10
[concurrency]
max_schools_in_parallel = 8
END
register

asked() { # how many schools the lab was asked for people of
    curl -fsS -m 20 "$lab_url/lab/log" |
        sed -n 's,.*/schools/\([0-9a-f]*\)/users.*,\1,p' | sort -u | wc -l |
        tr -d ' '
}

asked_for() { # N
    [ "$(asked)" -ge "$1" ]
}

# Every school's listing hangs, so each that is begun is asked for and no other.
fault hang,path=/users
for most in 1 3 8; do
    post /lab/log/clear >"$out"
    "$CLEVERSYNC" --config "$config" run \
        --set "concurrency.max_schools_in_parallel=$most" \
        >"$out" 2>"$err" </dev/null &
    run=$!
    wait_for asked_for $most
    kill -TERM $run
    wait $run
    is "$most at once: the run ends" $? 143
    is "$most at once and no more" "$(asked)" $most
    is "$most at once: none was written" "$(ls "$dir" |
        grep -c '^[A-Z].*\.db$')" 0
done
fault

ok "eight at once" cs run
right "are all right"
is "each has its history" "$(history 'count(*)' "Status = 'Success'")" 24
is "of one run" "$(history 'count(DISTINCT SyncKey)')" 24
post "/lab/drift?seed=7&n=60" >"$out"
ok "and after changes everywhere" cs run --set sync.delete=soft
right "are right again"
fault slow,ms=1 status-500,path=/users,times=5 \
    reset,path=/users,after=7,times=3 die-token,after=9
ok "also with trouble on the way" cs run --full --set logging.level=debug
right "they stay right"
ok "and one after the other" \
    cs run --full --set concurrency.max_schools_in_parallel=1
like "nothing is left to change" "$out" 'nothing changed'
finish
