# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What the benchmarks share, on top of lib.sh: costs and verdicts.

# shellcheck disable=SC2034 # for who reads this file

. "${srcdir:-.}/tests/lib.sh"

missed=0

cost() { # COMMAND...: sets cpu (seconds) and peak (KiB)
    "$builddir/tests/bench-run" "$@" >"$out" 2>"$err" || {
        tail -n 5 "$out" "$err"
        exit 1
    }
    read -r cpu peak <<END
$(tail -n 1 "$err")
END
}

seconds() { # COMMAND...: sets took, the time on the wall
    from=$(date +%s.%N)
    "$@" >"$out" 2>"$err" || {
        tail -n 5 "$out" "$err"
        exit 1
    }
    took=$(calc "$(date +%s.%N) - $from")
}

calc() { # EXPRESSION
    awk "BEGIN { printf \"%.3f\", $1 }"
}

at_most() { # WHAT VALUE LIMIT
    if awk "BEGIN { exit !($2 <= $3) }"; then
        echo "ok: $1: $2 (at most $3)"
    else
        echo "MISSED: $1: $2 (at most $3)"
        missed=1
    fi
}

at_least() { # WHAT VALUE LIMIT
    if awk "BEGIN { exit !($2 >= $3) }"; then
        echo "ok: $1: $2 (at least $3)"
    else
        echo "MISSED: $1: $2 (at least $3)"
        missed=1
    fi
}

median() { # reads numbers
    sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'
}

empty_databases() {
    rm -f "$dir"/*.db*
    register
}

quiet_config() { # more settings on stdin
    { printf '[logging]\nlevel = error\n' && cat; } | write_config
}

stop_lab() {
    kill "$lab_pid"
    wait "$lab_pid" 2>/dev/null
}
