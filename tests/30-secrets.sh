#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Where secrets come from, which of them wins, and that none is ever shown.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --districts 2 --schools 1 --students 4 --teachers 1
write_config </dev/null
register
set -- $(district_ids)
north=$1 south=$2
north_prefix=$(awk '$1 == "district" { print $NF; exit }' "$dir/lab")
variable=CLEVERSYNCSOS__$(echo "$north_prefix" | tr 'a-z-' 'A-Z_')__
names=CleverSyncSOS--$north_prefix--

token_of() { # DISTRICT: a new one, from the lab; the old one is dead then
    post "/lab/token?district=$1"
}

# The outcome of the row for this secret, FOR and district.
outcome() { # NAME PART DISTRICT
    sqlite3 :memory: "SELECT json_extract(value, '\$.store') || ' ' ||
        json_extract(value, '\$.outcome')
        FROM json_each(readfile('$out'), '\$.secrets')
        WHERE json_extract(value, '\$.name') = '$1'
        AND json_extract(value, '\$.part') = '$2'
        AND json_extract(value, '\$.district_id') = '$3'"
}

# ---- secrets test ---------------------------------------------------------

ok "every secret is there" cs secrets test
like "the client id is in env" "$out" \
    "^CleverSyncSOS--Clever--ClientId +credential.env +found"
like "the token comes from clever-oauth" "$out" \
    "^CleverSyncSOS--Clever--AccessToken +credential.clever-oauth +found"
unlike "no secret is shown" "$out" 'lab-client|lab-secret'
ok "the same for a program" cs secrets test -o json
is "with the district it is for" "$(outcome \
    CleverSyncSOS--Clever--AccessToken source.clever-data "$south")" \
    "credential.clever-oauth found"
ok "one district alone" cs secrets test --district "$north" -o json
is "nothing of the other" "$(outcome \
    CleverSyncSOS--Clever--AccessToken source.clever-data "$south")" ""
exits 0 "one name alone" cs secrets test CleverSyncSOS--Clever--ClientSecret
like "is found" "$out" '^CleverSyncSOS--Clever--ClientSecret .* found'
exits 12 "a name that nobody holds" cs secrets test CleverSyncSOS--X--Y
like "says whom it asked" "$out" \
    'no secret CleverSyncSOS--X--Y in env, clever-oauth'

# ---- A secret is missing or wrong --------------------------------------------

exits 12 "without any login a run fails" env -u CLEVERSYNCSOS__CLEVER__CLIENTID \
    "$CLEVERSYNC" --config "$config" run
like "it names what is missing" "$err" \
    "no secret ${names}AccessToken or CleverSyncSOS--Clever--AccessToken"
like "and says what to store" "$err" \
    'clever-oauth: there is no CleverSyncSOS--Clever--ClientId, so no access'
exits 12 "and so does the test" env -u CLEVERSYNCSOS__CLEVER__CLIENTID \
    "$CLEVERSYNC" --config "$config" secrets test
like "which says absent" "$out" ' absent '
exits 12 "an id without its secret is no login" \
    env -u CLEVERSYNCSOS__CLEVER__CLIENTSECRET \
    "$CLEVERSYNC" --config "$config" secrets test
like "it names the secret" "$out" \
    'no secret CleverSyncSOS--Clever--ClientSecret in env'
exits 78 "an empty variable is a fault" env CLEVERSYNCSOS__CLEVER__CLIENTSECRET= \
    "$CLEVERSYNC" --config "$config" secrets test \
    CleverSyncSOS--Clever--ClientSecret
like "it names the variable" "$out" 'CLEVERSYNCSOS__CLEVER__CLIENTSECRET is set'
exits 12 "a wrong client secret is a failed login" \
    env CLEVERSYNCSOS__CLEVER__CLIENTSECRET=not-this-one \
    "$CLEVERSYNC" --config "$config" run
unlike "which shows nothing of it" "$err" 'not-this-one'

# ---- Which token wins ----------------------------------------------------------

token=$(token_of "$north")
exits 0 "a ready-made token needs no client" env \
    -u CLEVERSYNCSOS__CLEVER__CLIENTID -u CLEVERSYNCSOS__CLEVER__CLIENTSECRET \
    "CLEVERSYNCSOS__CLEVER__ACCESSTOKEN=$token" \
    "$CLEVERSYNC" --config "$config" run --district "$north" \
    --set logging.level=debug
like "the read is in the log, by name and store" "$err" \
    'credential.env: secret CleverSyncSOS--Clever--AccessToken: found'
unlike "the token is not" "$err" "$token"
exits 12 "it is never used for another district" env \
    "CLEVERSYNCSOS__CLEVER__ACCESSTOKEN=$token" \
    "$CLEVERSYNC" --config "$config" run --district "$south"
like "and that is said" "$err" "district"
is "nothing of the other district was written" "$(sqlite3 "$dir/session.db" \
    "SELECT count(*) FROM SyncHistory JOIN Schools USING (SchoolId)
     JOIN Districts ON Districts.DistrictId = Schools.DistrictId
     WHERE CleverDistrictId = '$south' AND Status = 'Success'")" 0
ok "a district's own token comes first" env \
    "${variable}ACCESSTOKEN=$token" CLEVERSYNCSOS__CLEVER__ACCESSTOKEN=stale \
    "$CLEVERSYNC" --config "$config" run --district "$north"
ok "a stale one makes way for the next store" env \
    CLEVERSYNCSOS__CLEVER__ACCESSTOKEN=stale \
    "$CLEVERSYNC" --config "$config" run --district "$north"
like "with a warning" "$err" 'AccessToken: refused by the service'
ok "a district's own app comes first" env \
    "${variable}CLIENTID=lab-client" "${variable}CLIENTSECRET=lab-secret" \
    CLEVERSYNCSOS__CLEVER__CLIENTSECRET=not-this-one \
    "$CLEVERSYNC" --config "$config" secrets test --district "$north"
like "under its own name" "$out" \
    "^${names}AccessToken +credential.clever-oauth +found"

# ---- Files -----------------------------------------------------------------------

mkdir "$dir/secrets"
write_config <<END
[credential.file]
directory = $dir/secrets
END
sed 's/^credentials = .*/credentials = file env clever-oauth/' "$config" \
    >"$config.new" && mv "$config.new" "$config"
unset CLEVERSYNCSOS__CLEVER__CLIENTID CLEVERSYNCSOS__CLEVER__CLIENTSECRET
(
    umask 077
    echo lab-client >"$dir/secrets/CleverSyncSOS--Clever--ClientId"
    echo lab-secret >"$dir/secrets/CleverSyncSOS--Clever--ClientSecret"
)
ok "secrets come from files" cs run --district "$north"
chmod 644 "$dir/secrets/CleverSyncSOS--Clever--ClientSecret"
exits 78 "a file that all may read is refused" cs secrets test \
    CleverSyncSOS--Clever--ClientSecret
like "with what to do" "$out" \
    "chmod 0640 $dir/secrets/CleverSyncSOS--Clever--ClientSecret"
chmod 600 "$dir/secrets/CleverSyncSOS--Clever--ClientSecret"
if [ "$(id -u)" -eq 0 ]; then
    skip "root may read everything" "a directory that cannot be read is denied"
else
    chmod 0 "$dir/secrets"
    exits 12 "a directory that cannot be read is denied" cs secrets test \
        CleverSyncSOS--Clever--ClientSecret
    chmod 700 "$dir/secrets"
fi
rm -r "$dir/secrets"
exits 78 "a directory that is not there is a fault" cs secrets test \
    CleverSyncSOS--Clever--ClientSecret
like "with its name" "$out" "$dir/secrets cannot be used"

finish
