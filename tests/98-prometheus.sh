#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Prometheus, as Debian has it, reads what the daemon tells, and evaluates the
# rules under docs/.

. "${srcdir:-.}/tests/lib.sh"
requires prometheus promtool curl sqlite3

start_lab --schools 2 --students 30 --teachers 4
write_config <<'END'
[health]
listen = 127.0.0.1:0
[schedule]
cron_expression =
END
register
key=planted-api-key-3391
CLEVERSYNCSOS__API__KEY=$key "$CLEVERSYNC" --config "$config" daemon \
    >"$dir/log" 2>&1 </dev/null &
listens() {
    grep -q ': listening on ' "$dir/log"
}
wait_for listens || note "the daemon did not come up"
url=$(sed -n 's/.*: listening on //p' "$dir/log")

# ---- Prometheus, with nothing of the machine's own --------------------------

cat >"$dir/prometheus.yml" <<END
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files:
  - $srcdir/docs/prometheus-alerts.yml
scrape_configs:
  - job_name: cleversync
    static_configs:
      - targets: ['${url#http://}']
END
ok "its configuration is sound" promtool check config "$dir/prometheus.yml"
(cd "$dir" && exec prometheus --config.file="$dir/prometheus.yml" \
    --storage.tsdb.path="$dir/tsdb" --web.listen-address=127.0.0.1:0 \
    >"$dir/prometheus.log" 2>&1 </dev/null) &
there() {
    peer=$(sed -n 's/.*msg="Listening on" address=//p' "$dir/prometheus.log")
    [ -n "$peer" ] && curl -fsS -m 20 "http://$peer/-/ready"
}
wait_for there || tail -n 5 "$dir/prometheus.log" | sed 's/^/# /'

asks() { # PATH [WORD...]: its answer, in $out
    local path=$1
    shift
    curl -fsS -m 20 -G -o "$out" "$@" "http://$peer/api/v1/$path"
}
target() { # KEY: of the one target that it has
    asks targets
    sqlite3 :memory: "SELECT json_extract(readfile('$out'),
        '\$.data.activeTargets[0].$1')"
}
scraped() {
    [ "$(target health)" = up ]
}
value() { # QUERY: the sum of what it finds
    asks query --data-urlencode "query=$1"
    sqlite3 :memory: "SELECT total(json_extract(value, '\$.value[1]'))
        FROM json_each(readfile('$out'), '\$.data.result')"
}
finds() { # QUERY VALUE
    [ "$(value "$1")" = "$2" ]
}
follows() { # DESCRIPTION QUERY VALUE: soon
    wait_for finds "$2" "$3"
    is "$1" "$(value "$2")" "$3"
}

# ---- What it reads ----------------------------------------------------------

wait_for scraped
is "the daemon is up" "$(target health)" up
is "and nothing is wrong with what it says" "$(target lastError)" ""
follows "the build is told" 'count(cleversync_build_info)' 1.0
follows "schools are there from the start" \
    'count(cleversync_last_success_timestamp_seconds == 0)' 4.0
asks targets/metadata
# A counter's family has no suffix there; the older text has one.
like "it was told in OpenMetrics" "$out" '"metric":"cleversync_records"'
curl -fsS -m 20 -X POST -H "Authorization: Bearer $key" -o "$out" \
    "$url/api/sync"
follows "a sync is counted" 'cleversync_syncs_total{result="success"}' 4.0
students=$(for prefix in $(prefixes); do
    sql "$prefix" "SELECT count(*) FROM Students"
done | awk '{ n += $1 } END { print n ".0" }')
follows "and everybody in it" \
    'cleversync_records_total{entity="Student",outcome="inserted"}' "$students"
follows "with its time" 'count(cleversync_last_success_timestamp_seconds > 0)' \
    4.0

# ---- The rules --------------------------------------------------------------

evaluated() { # nothing is left to be looked at for the first time
    asks rules && ! grep -q '"health":"unknown"' "$out"
}
wait_for evaluated
is "no rule fails" "$(grep -o '"health":"[a-z]*"' "$out" | sort -u)" \
    '"health":"ok"'
is "there are all of them" "$(grep -o '"type":"alerting"' "$out" | wc -l)" \
    "$(grep -c '  - alert:' "$srcdir/docs/prometheus-alerts.yml")"
ok "promtool finds nothing in them, either" \
    promtool check rules "$srcdir/docs/prometheus-alerts.yml"

# ---- The older text ----------------------------------------------------------

curl -fsS -m 20 -o "$dir/metrics" "$url/metrics"
like "who does not ask for OpenMetrics gets text" "$dir/metrics" \
    '^# TYPE cleversync_records_total counter$'
promtool check metrics <"$dir/metrics" >"$out" 2>&1
is "promtool finds nothing in it" "$?:$(cat "$out")" 0:
finish
