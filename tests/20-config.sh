#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The configuration from outside: what is accepted, what is refused with which
# words, and what is shown of it.

. "${srcdir:-.}/tests/lib.sh"

plain() { # a sound file; what comes on stdin follows
    cat - >"$config" <<END
[cleversync]
credentials = env
[session]
sink = session
[sink.session]
plugin = sqlite-test
path = $dir/session.db
[sink.schools]
plugin = sqlite-test
path = $dir/{school_prefix}.db
[pipeline.student]
source = clever-data
delta = clever-events
mapper = student
sink = schools
END
    cat >>"$config"
}

refused() { # DESCRIPTION REGEX: check-config ends with 78 and says so
    exits 78 "$1" cs check-config && like "$1: the reason" "$err" "$2"
}

# ---- Sound ones -----------------------------------------------------------

plain </dev/null
ok "a sound file is accepted" cs check-config
like "what was found is counted" "$out" \
    '^configuration is valid: 1 pipeline, 5 plugins$'
ok "as JSON" cs check-config -o json
like "JSON counts pipelines" "$out" '"pipelines": 1'
is "nothing is written by looking" "$(ls "$dir" | grep -c '\.db')" 0

sed 's/$/\r/' "$config" >"$config.crlf"
printf '\357\273\277' | cat - "$config.crlf" >"$config"
ok "a byte order mark and CRLF are accepted" cs check-config

# ---- Faults, each with its place -------------------------------------------

plain <<'END'
[sync]
page_sise = 100
END
refused "a misspelt key" 'cleversync.conf:17: .*page_sise: did you mean page_size\?'
plain <<'END'
[sycn]
END
refused "a misspelt section" 'cleversync.conf:16: .*\[sycn\]: did you mean \[sync\]\?'
plain <<'END'
[sync]
page_size = ten
END
refused "a word for a number" 'cleversync.conf:17: .*from 1 to 10000, not "ten"'
plain <<'END'
[sync]
page_size = 0
END
refused "a number out of range" 'cleversync.conf:17: .*from 1 to 10000, not "0"'
plain <<'END'
[pipeline.teacher]
source = clever-data
mapper = techer
sink = schools
END
refused "an unknown plugin" 'cleversync.conf:18: .*techer: did you mean teacher\?'
plain <<'END'
[session]
sink = other
END
refused "a section twice" 'cleversync.conf:16: section \[session\] is in this file twice'
plain <<'END'
[sync]
delete = soft
delete = hard
END
refused "a key twice" 'cleversync.conf:18: delete is set twice'
plain <<'END'
[sink.more]
plugin = sqlite-test
END
refused "a key that must be set" 'cleversync.conf:16: \[sink.more\] path must be set'
plain <<'END'
[sync
page_size
END
refused "no section and no setting" 'cleversync.conf:17: .*KEY = VALUE'
like "all faults are said at once" "$err" 'cleversync.conf:16: .*\[NAME\]'

head -c 4096 /dev/urandom >"$config"
refused "a binary file" 'cleversync.conf(:[0-9]+)?: '
printf '[sync]\n\000\n' >"$config"
refused "a NUL byte" 'cleversync.conf:2: this is not UTF-8 text'
head -c 10485760 /dev/zero | tr '\0' x >"$config"
refused "a line of 10 MB" 'cleversync.conf: the file is larger than'
rm "$config"
refused "no file" 'cleversync.conf: the file cannot be read: No such file'
mkdir "$config"
refused "a directory" 'cleversync.conf: this is a directory, not a file'
rmdir "$config"

plain <<'END'
[credential.clever-oauth]
client_secret = p@ss/w0rd!
END
refused "a secret in the file" 'cleversync.conf:17: .*must be the name of a secret'
unlike "it is not shown" "$err" 'w0rd'

for url in http://api.clever.com/v3.0 ftp://127.0.0.1/ api.clever.com/v3.0 \
    https://me:p4ss@api.clever.com/v3.0; do
    plain <<END
[source.clever-data]
base_url = $url
END
    refused "what a run would not connect to, $url" \
        'cleversync.conf:17: \[source.clever-data\] base_url: '
    unlike "no password is shown" "$err" p4ss
done
plain <<END
[source.clever-data]
base_url = http://127.0.0.1:1/v3.0
END
ok "plain http to this machine is accepted" cs check-config
plain <<'END'
[http]
proxy = http://me:p4ss@proxy.example:3128
END
refused "a proxy's password" 'cleversync.conf:17: .*proxy must not hold a user'
unlike "which is not shown" "$err" p4ss

sed '/^\[pipeline/,$d' "$config" >"$config.new"
mv "$config.new" "$config"
refused "no pipeline" 'there is no pipeline'

# ---- Layers ----------------------------------------------------------------

plain <<'END'
[sync]
page_size = 10
END
mkdir "$dir/conf.d"
printf '[sync]\npage_size = 20\nbatch_size = 20\n' >"$dir/conf.d/10-a.conf"
printf '[sync]\npage_size = 30\n' >"$dir/conf.d/20-b.conf"
printf '[nonsense\n' >"$dir/conf.d/20-b.conf.dpkg-old"
cp "$dir/conf.d/20-b.conf.dpkg-old" "$dir/conf.d/20-b.conf~"
cp "$dir/conf.d/20-b.conf.dpkg-old" "$dir/conf.d/.20-b.conf"
cp "$dir/conf.d/20-b.conf.dpkg-old" "$dir/conf.d/20-b.conf.rpmnew"
ok "drop-ins are read" cs config show --origin
like "the last drop-in wins" "$out" '^page_size = 30$'
like "its place is shown" "$out" '^# .*conf.d/20-b.conf:2$'
like "key by key" "$out" '^batch_size = 20$'
like "defaults are shown" "$out" '^timeout_minutes = 30$'
like "plugins' defaults are shown" "$out" \
    '^base_url = https://api.clever.com/v3.0$'

cp "$out" "$dir/shown"
rm -r "$dir/conf.d"
cp "$dir/shown" "$config"
ok "what is shown is a configuration" cs config show
grep -v '^# ' "$dir/shown" | cmp -s - "$out"
is "of the same meaning" $? 0

plain </dev/null
ok "the environment reaches plugins" env \
    CLEVERSYNC_SOURCE_CLEVER_DATA__BASE_URL=http://127.0.0.1:1 \
    "$CLEVERSYNC" --config "$config" config show --origin
like "by the names of their options" "$out" '^base_url = http://127.0.0.1:1$'
like "and is named" "$out" \
    '^# environment CLEVERSYNC_SOURCE_CLEVER_DATA__BASE_URL$'
exits 78 "a variable that nobody knows is refused" env \
    CLEVERSYNC_SYNC__PAGE_SISE=3 "$CLEVERSYNC" --config "$config" check-config
like "with the nearest one" "$err" 'did you mean CLEVERSYNC_SYNC__PAGE_SIZE'
ok "--set comes last" env CLEVERSYNC_SYNC__BATCH_SIZE=3 \
    "$CLEVERSYNC" --config "$config" config show --set sync.batch_size=4
like "and wins" "$out" '^batch_size = 4$'
exits 78 "--set is checked" cs check-config --set sync.batch_sise=4
like "like a file" "$err" '\-\-set: .*did you mean batch_size'

ok "as JSON, with origins" cs config show -o json
like "JSON has the place" "$out" '"origin": ".*cleversync.conf:4"'

# ---- Samples ----------------------------------------------------------------

ok "there is a sample" cs config sample
cp "$out" "$config"
refused "which is sound but for what only you know" 'no session database'
is "and nothing else" "$(wc -l <"$err")" 1
sed -i 's/^#\([a-z_]* =\)/\1/' "$config"
exits 78 "its defaults can be written out" cs check-config
unlike "and are all allowed" "$err" 'must be (a|one|true)'
ok "there is one for each plugin" cs config sample credential/clever-oauth
like "from its own table" "$out" '^#token_url = '
exits 2 "but not for one that there is not" cs config sample clever-oath
like "whose neighbour is named" "$err" 'did you mean clever-oauth'

finish
