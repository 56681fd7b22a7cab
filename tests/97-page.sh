#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The daemon's page in a browser, used as a person uses it.  With
# CLEVERSYNC_SHOTS set to a folder, pictures of it are left there.

. "${srcdir:-.}/tests/lib.sh"
requires chromium python3 curl sqlite3

start_lab --districts 2 --schools 2 --students 44 --teachers 5
write_config <<'END'
[health]
listen = 127.0.0.1:0
[sync]
default_mode = full
full_sync_day =
page_size = 10
page_size_max = 10
[schedule]
cron_expression = 0 0 2 1 1 *
END
register
password='correct horse battery'
echo "$password" >"$dir/typed"
CLEVERSYNCSOS__ADMINPORTAL__SUPERADMINPASSWORD=$(
    cs secrets hash-password <"$dir/typed"
)
export CLEVERSYNCSOS__ADMINPORTAL__SUPERADMINPASSWORD
log=$dir/log
"$CLEVERSYNC" --config "$config" daemon >"$log" 2>&1 </dev/null &
listens() {
    grep -q ': listening on ' "$log"
}
wait_for listens || note "the daemon did not come up"
url=$(sed -n 's/.*: listening on //p' "$log")
prefix=$(prefixes | sed -n 1p)
one=$(school_id "$prefix")
name=$(sql session "SELECT Name FROM Schools WHERE CleverSchoolId = '$one'")

# ---- The browser ------------------------------------------------------------

mkfifo "$dir/to" "$dir/from"
HOME=$dir python3 "$srcdir/tests/browser.py" chromium "$dir/profile" \
    <"$dir/to" >"$dir/from" 2>"$dir/browser.err" &
browser=$!
exec 7>"$dir/to" 8<"$dir/from"

page() { # COMMAND: what the browser says to it
    local answer=
    echo "$*" | tr '\n' ' ' >&7
    echo >&7
    read -r answer <&8
    echo "$answer"
}
read -r _ <&8 || skip_all "chromium cannot be started here"

sees() { # DESCRIPTION EXPRESSION: soon
    is "$1" "$(page until "$2")" ok
}

press() { # DESCRIPTION SELECTOR
    is "$1" "$(page js "(() => { const one = document.querySelector('$2');
        if (!one || one.disabled) return 'it is not there';
        one.click(); return 'done'; })()")" '"done"'
}

shot() { # NAME: at both widths
    [ -n "$CLEVERSYNC_SHOTS" ] || return 0
    page size 1280 800 >/dev/null
    page shot "$CLEVERSYNC_SHOTS/$1-1280.png" >/dev/null
    page size 360 740 >/dev/null
    page shot "$CLEVERSYNC_SHOTS/$1-360.png" >/dev/null
    page size 1280 800 >/dev/null
}

fits() { # DESCRIPTION: nothing is wider than a phone
    page size 360 740 >/dev/null
    is "$1" "$(page js 'document.documentElement.scrollWidth')" 360
    page size 1280 800 >/dev/null
}

sign_in() { # PASSWORD
    page js "document.getElementById('password').value = '$1', 1" >/dev/null
    press "the password is given" '#sign-in-form button'
}

row="[data-school=\"$one\"]"
text() { # SELECTOR: an expression
    echo "(document.querySelector('$1')?.textContent || '')"
}

# ---- Signing in -------------------------------------------------------------

page size 1280 800 >/dev/null
is "the page comes" "$(page go "$url/")" ok
sees "it asks for the password" "!document.getElementById('sign-in').hidden"
sees "where one can type at once" "document.activeElement.id === 'password'"
fits "on a phone, too"
shot sign-in
sign_in 'not the password'
sees "a wrong one is refused" "$(text '#sign-in-error').includes('is wrong')"
is "and nothing is shown" \
    "$(page js "document.getElementById('inside').hidden")" true
sign_in "$password"
sees "the right one lets in" "document.querySelectorAll('[data-school]').length
    === 4"
sees "there are districts" "document.querySelectorAll('.district').length === 2"
sees "and the next run" "$(text '#facts').includes('Jan 1')"
is "no script can read the cookie" "$(page js 'document.cookie')" '""'

# ---- A sync, while it is on -------------------------------------------------

fault slow,ms=400,role=student
press "one school is synced" "$row [data-action=sync]"
sees "it is said" "$(text '#done').includes('has begun')"
sees "it can be watched" "document.querySelector('#running article progress')"
sees "by name and count" \
    "/$name.*[0-9]+ records? read/s.test($(text '#running'))"
sees "it cannot be begun twice" \
    "document.querySelector('$row [data-action=sync]').disabled"
shot running
fits "which fits on a phone"
sees "it ends" "$(text '#runs').includes('Success')"
fault
sees "and is over" "!document.querySelector('#running article')"
sees "which is said aloud" "$(text '#live').includes('has ended: Success')"
sees "and stands with the school" "$(text "$row").includes('44 read, 44 new')"
press "a district is synced" '.district [data-action=sync-district]'
sees "as a whole" "$(text '#runs').includes('District')"
press "all are synced" '#sync-all'
sees "as well" "$(text '#runs').includes('all schools')"

# ---- A full sync is required ------------------------------------------------

press "a full sync is required" "$row [data-action=full]"
sees "one is asked first" "document.getElementById('confirm').open"
sees "with the harmless answer at hand" "document.activeElement.id === 'confirm-no'"
press "no" '#confirm-no'
is "changes nothing" \
    "$(sql session "SELECT sum(RequiresFullSync) FROM Schools")" 0
is "no, and at once the question again: that one is open, not answered" \
    "$(page js "(async () => {
        const dialog = document.getElementById('confirm');
        const ask = document.querySelector('$row [data-action=full]');
        const closed = new Promise((resolve) =>
            dialog.addEventListener('close', resolve, {once: true}));
        ask.click();
        document.getElementById('confirm-no').click();
        ask.click();
        await closed;
        return dialog.open;
    })()")" true
shot confirm
press "yes" '#confirm-yes'
sees "does" "$(text "$row").includes('Full sync is due')"
is "indeed" "$(sql session "SELECT RequiresFullSync FROM Schools
    WHERE CleverSchoolId = '$one'")" 1
press "the next sync" "$row [data-action=sync]"
sees "is the full one" "document.querySelector('$row') &&
    !$(text "$row").includes('Full sync is due')"

# ---- A hold -----------------------------------------------------------------

tap_truth "$prefix" student
for id in $(sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
    ORDER BY key LIMIT 15"); do
    post "/lab/delete?id=$id" >/dev/null
done
press "15 of 44 leave" "$row [data-action=sync]"
sees "which is held" "$(text '#holds').includes('15 of 44 students would leave')"
sees "and marked" "$(text "$row").includes('1 hold')"
press "whom is it about?" '#holds [data-action=keys]'
sees "these" "document.querySelectorAll('#holds .keys:not([hidden]) li').length
    === 15"
shot held
fits "which fits on a phone"
press "it is approved" '#holds [data-action=approve]'
sees "after a question" "document.getElementById('confirm').open"
sees "which says when" "$(text '#confirm').includes('with the next sync, once')"
press "yes" '#confirm-yes'
sees "and shown so" "$(text '#holds').includes('approved by page')"
press "the next sync" "$row [data-action=sync]"
sees "lets them go" "$(text "$row").includes('15 changed')"
sees "and nothing waits any more" "document.getElementById('attention').hidden"

# ---- A process that was killed ----------------------------------------------

sqlite3 -cmd '.timeout 5000' "$dir/session.db" "UPDATE SyncHistory
    SET Status = 'InProgress' WHERE EntityType = 'Student' AND SchoolId =
        (SELECT SchoolId FROM Schools WHERE CleverSchoolId = '$one')"
is "the page is loaded" "$(page go "$url/")" ok
sees "what it ran is not shown as running" \
    "$(text "$row").includes('Interrupted, or run by another process') &&
    !$(text "$row").includes('Running')"
page size 1280 800 dark >/dev/null
[ -z "$CLEVERSYNC_SHOTS" ] ||
    page shot "$CLEVERSYNC_SHOTS/dark-1280.png" >/dev/null

# ---- What nobody should see -------------------------------------------------

page js "document.documentElement.outerHTML" >"$dir/html"
tap_truth "$prefix" student
names=$(sqlite3 :memory: "SELECT DISTINCT
    json_extract(value, '\$.LastName') FROM json_each(readfile('$dir/truth'))
    WHERE length(json_extract(value, '\$.LastName')) > 4")
shown=0 looked=0
for last in $names; do
    looked=$((looked + 1))
    grep -q -F -w -e "$last" "$dir/html" && shown=$((shown + 1))
done
ok "there are names to look for" [ "$looked" -gt 10 ]
is "no pupil's name is on it" "$shown" 0
is "nothing was complained of but the wrong password" "$(page errors)" \
    '["Failed to load resource: the server responded with a status of 401 (Unauthorized)"]'

# ---- Signing out ------------------------------------------------------------

press "who signs out" '#sign-out'
sees "is out" "!document.getElementById('sign-in').hidden"
is "the page is loaded anew" "$(page go "$url/")" ok
sees "and asks again" "!document.getElementById('sign-in').hidden"
exec 7>&-
wait $browser
finish
