#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What packaging/ holds besides packages, which packaging/test-packages looks
# at: files for a cluster, and for a container.

. "${srcdir:-.}/tests/lib.sh"
requires python3
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is not installed"

mkdir "$dir/conf.d"
ok "the parts for a cluster fit together" python3 "$srcdir/tests/cluster.py" \
    "$srcdir/packaging/kubernetes/cleversync.yaml" "$dir/conf.d"
cp "$srcdir/conf.d/cleversync.conf" "$config"
if [ -e "$CLEVERSYNC_PLUGIN_DIR/sink/mssql-odbc.la" ]; then
    ok "the settings in them are sound" cs check-config
else
    skip "mssql-odbc is not built" "the settings in them are sound"
fi

# ---- The container's health check -------------------------------------------

rm -f "$dir/conf.d/cluster.conf"
start_lab --schools 1
write_config <<'END'
[health]
listen = 127.0.0.1:0
[schedule]
cron_expression =
END
port() {
    sed -n 's/.*: listening on .*:\([0-9]*\)$/\1/p' "$dir/log"
}
listens() {
    [ -n "$(port)" ]
}
"$CLEVERSYNC" --config "$config" daemon >"$dir/log" 2>&1 </dev/null &
daemon=$!
wait_for listens || note "$(cat "$dir/log")"

python3 - "$srcdir/packaging/Containerfile" "$(port)" >"$dir/check" <<'END'
import json, re, sys
text = open(sys.argv[1]).read()
shell, word, script = json.loads(re.search(r"HEALTHCHECK.* CMD (.*)", text)[1])
assert (shell, word) == ("bash", "-c")
print(script.replace("/127.0.0.1/8480 ", "/127.0.0.1/" + sys.argv[2] + " "))
END
ok "the container's check finds the daemon alive" bash "$dir/check"
kill -STOP "$daemon"
exits 124 "and waits while it hangs" timeout 1 bash "$dir/check"
kill -CONT "$daemon"
kill "$daemon"
wait "$daemon"
exits 1 "and fails when it is gone" bash "$dir/check"
finish
