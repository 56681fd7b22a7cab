#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Secrets from a Key Vault, as whoever we are, and all that it may answer.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
for variable in AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET \
    AZURE_CLIENT_CERTIFICATE_PATH AZURE_CLIENT_CERTIFICATE_PASSWORD \
    AZURE_FEDERATED_TOKEN_FILE AZURE_AUTHORITY_HOST IDENTITY_ENDPOINT \
    IDENTITY_HEADER IMDS_ENDPOINT; do
    unset $variable
done
mkdir "$dir/arc"
start_lab --schools 1 --students 4 --teachers 1 --vault "$dir/arc"
unset CLEVERSYNCSOS__CLEVER__CLIENTID CLEVERSYNCSOS__CLEVER__CLIENTSECRET
write_config <<END
[credential.keyvault]
base_url = $lab_url/
metadata_url = $lab_url/metadata/identity/oauth2/token
arc_directory = $dir/arc
retry_delay_seconds = 0
END
sed 's/^credentials = .*/credentials = keyvault clever-oauth/' "$config" \
    >"$config.new" && mv "$config.new" "$config"
id=CleverSyncSOS--Clever--ClientId

option() { # NAME VALUE: of the vault, for one command
    echo "CLEVERSYNC_CREDENTIAL_KEYVAULT__$1=$2"
}

asked() { # what the lab was asked, without queries
    curl -fsS -m 20 "$lab_url/lab/log" | grep -o '/[a-z0-9-][^?"]*' |
        tr '\n' ' '
}

reads() { # STATUS DESCRIPTION [VARIABLE=VALUE...]: one secret
    local status=$1 what=$2
    shift 2
    post /lab/log/clear >/dev/null
    exits "$status" "$what" env "$@" "$CLEVERSYNC" --config "$config" \
        secrets test "${name:-$id}" --set logging.level=debug
}

as() { # IDENTITY DESCRIPTION [VARIABLE=VALUE...]: reads as this identity
    local identity=$1 what=$2
    shift 2
    reads 0 "$what" "$@"
    like "which is $identity" "$err" "identity = $identity"
}

# ---- A run ----------------------------------------------------------------------

register
ok "a run lives on the vault" cs run --set logging.level=debug
like "reads are in the log, by name and store" "$err" \
    "credential.keyvault: secret $id: found"
unlike "nothing secret is" "$err" 'lab-secret|lab-vault-token'
right "and the school is right"
ok "all secrets are there" cs secrets test
like "the client's id in the vault" "$out" "^$id +credential.keyvault +found"

# ---- Who we are ---------------------------------------------------------------

as vm "a virtual machine reads"
is "after one refusal and one look" "$(asked)" "/secrets/$id \
/metadata/identity/oauth2/token /metadata/identity/oauth2/token /secrets/$id "
reads 0 "one that is said to be one" "$(option IDENTITY vm)"
is "without that look" "$(asked)" "/secrets/$id \
/metadata/identity/oauth2/token /secrets/$id "
reads 12 "elsewhere nobody reads" "$(option METADATA_URL http://127.0.0.1:1/)"
like "what could be set is said" "$out" \
    'no identity was found: no AZURE_CLIENT_SECRET, .* metadata_url'
unlike "and nothing was repeated" "$err" 'repeating'
as client-secret "an application with a secret reads" \
    AZURE_TENANT_ID=lab-tenant AZURE_CLIENT_ID=lab-client \
    AZURE_CLIENT_SECRET=lab-secret AZURE_AUTHORITY_HOST="$lab_url"
is "after its login" "$(asked)" "/secrets/$id \
/lab-tenant/oauth2/v2.0/token /secrets/$id "
reads 12 "one with a wrong secret does not" \
    AZURE_TENANT_ID=lab-tenant AZURE_CLIENT_ID=lab-client \
    AZURE_CLIENT_SECRET=not-this-one AZURE_AUTHORITY_HOST="$lab_url"
like "and is told" "$out" 'refuses the client secret'
unlike "but not by the service's words" "$out" 'Quill|AADSTS|not-this-one'
echo a.b.c >"$dir/federated"
as workload "a workload reads" AZURE_TENANT_ID=lab-tenant \
    AZURE_CLIENT_ID=lab-client AZURE_FEDERATED_TOKEN_FILE="$dir/federated" \
    AZURE_AUTHORITY_HOST="$lab_url"
as app-service "an app reads" IDENTITY_ENDPOINT="$lab_url/msi/token" \
    IDENTITY_HEADER=lab-identity-header
reads 12 "an app without its proof does not" \
    IDENTITY_ENDPOINT="$lab_url/msi/token" IDENTITY_HEADER=wrong
as arc "a machine of Azure Arc reads" IDENTITY_ENDPOINT="$lab_url/arc/token" \
    IMDS_ENDPOINT="$lab_url"
reads 12 "but no file in another directory" \
    IDENTITY_ENDPOINT="$lab_url/arc/token" IMDS_ENDPOINT="$lab_url" \
    CLEVERSYNC_CREDENTIAL_KEYVAULT__ARC_DIRECTORY=/var/opt/azcmagent/tokens
like "and says so" "$out" 'does not name a key in /var/opt'
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=lab -days 1 \
        -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
    cat "$dir/key.pem" "$dir/cert.pem" >"$dir/both.pem"
    as certificate "an application with a certificate reads" \
        AZURE_TENANT_ID=lab-tenant AZURE_CLIENT_ID=lab-client \
        AZURE_CLIENT_CERTIFICATE_PATH="$dir/both.pem" \
        AZURE_AUTHORITY_HOST="$lab_url"
else
    skip "openssl is not installed" "an application with a certificate reads"
fi

# ---- What the vault says ----------------------------------------------------------

fault vault-resource
reads 12 "a vault that wants another's token gets none"
is "and no login is made" "$(asked)" "/secrets/$id "
like "and that is said" "$out" 'for something else than itself'
fault vault-stale
reads 12 "a token that the vault refuses is no use"
like "and that is said" "$out" 'the vault refuses the token'
is "after one login" "$(asked)" "/secrets/$id \
/metadata/identity/oauth2/token /metadata/identity/oauth2/token /secrets/$id "
fault vault-policy
reads 12 "a policy forbids"
like "and that is said" "$out" 'no access policy'
fault vault-role
reads 12 "a role is missing"
like "and that is said" "$out" 'no role on the vault'
fault vault-firewall
reads 12 "a firewall forbids"
like "and that is said" "$out" 'firewall'
fault storm-429,path=/secrets/,times=1,retry_after=0
reads 0 "a throttled vault is asked again"
fault status-503,path=/secrets/,times=2
reads 0 "and so is one that fails twice"
fault status-503,path=/secrets/
reads 5 "one that fails for good"
is "is asked four times" "$(asked | wc -w)" 4
reads 5 "or as often as is configured" "$(option RETRY_ATTEMPTS 5)"
is "and once more" "$(asked | wc -w)" 6
reads 5 "or never again" "$(option RETRY_ATTEMPTS 0)"
is "but the first time" "$(asked | wc -w)" 1
fault status-404,path=/metadata/,after=1,times=1
reads 0 "busy metadata are asked again" "$(option IDENTITY vm)"
fault
for state in disabled expired early deleted; do
    post "/lab/secret?name=Is-$state&value=x&state=$state" >/dev/null
done
name=Is-disabled reads 12 "a disabled secret is not given"
like "and that is said" "$out" 'Is-disabled cannot be read: it is disabled'
name=Is-expired reads 0 "an expired one is"
like "with a warning" "$err" 'Is-expired has expired'
name=Is-early reads 0 "and so is one before its time"
like "with a warning" "$err" 'Is-early is not valid yet'
name=Is-deleted reads 12 "a deleted one is not there"
like "but can be recovered" "$err" 'Is-deleted was deleted'
name=Is-Nowhere reads 12 "one that never was is not there"
like "whom it asked is said" "$out" 'no secret Is-Nowhere in keyvault'
ok "names that a service was asked for are in every log" \
    test "$("$CLEVERSYNC" --config "$config" secrets test Is-Nowhere 2>&1 |
        grep -c 'credential.keyvault: secret Is-Nowhere: absent')" -eq 1
fault status-403,path=/deletedsecrets/
name=Is-Nowhere reads 12 "nor for who may not see what was deleted"
like "which is no other answer" "$out" 'no secret Is-Nowhere in keyvault'
fault
name=Is_not/one reads 12 "a name that no secret can have"
is "is not asked for" "$(asked)" ""
like "which is said" "$err" 'Is_not/one was not asked for: names in a Key Vault'

# ---- The life of its token ---------------------------------------------------------

logins() { # how often one was made for the secrets of all
    post /lab/log/clear >/dev/null
    ok "$1" env "$(option IDENTITY vm)" CLEVERSYNC_TEST_CLOCK_OFFSET="$2" \
        "$CLEVERSYNC" --config "$config" secrets test
    asked | tr ' ' '\n' | grep -c metadata >"$dir/logins"
}

logins "secrets are read" 0
once=$(cat "$dir/logins")
logins "when tokens end soon as well" 3500
reads=$(asked | tr ' ' '\n' | grep -c '^/secrets/')
ok "there are more logins" test "$(cat "$dir/logins")" -gt "$once"
is "each with a login of its own: one refused, one that reads" \
    "$(($(cat "$dir/logins") * 2))" "$reads"
fault vault-stale,path=/secrets/,after=2,times=1
logins "and when the vault refuses a token that was good" 0
is "there is exactly one login more" "$(cat "$dir/logins")" $((once + 1))
fault

# ---- The vault is away -----------------------------------------------------------

sed -i "s,^base_url = $lab_url/\$,base_url = http://127.0.0.1:1," "$config"
sed -i 's/^credentials = .*/credentials = keyvault env clever-oauth/' "$config"
ok "other stores answer meanwhile" env CLEVERSYNCSOS__CLEVER__CLIENTID=lab-client \
    CLEVERSYNCSOS__CLEVER__CLIENTSECRET=lab-secret \
    "$CLEVERSYNC" --config "$config" run
is "with one warning" "$(grep -c 'credential.keyvault: Degraded' "$err")" 1
sed -i "s,^base_url = http://127.0.0.1:1\$,base_url = $lab_url/," "$config"
fault status-503,path=/secrets/
post /lab/log/clear >/dev/null
ok "a run in which the vault fails" env \
    CLEVERSYNCSOS__CLEVER__CLIENTID=lab-client \
    CLEVERSYNCSOS__CLEVER__CLIENTSECRET=lab-secret \
    "$CLEVERSYNC" --config "$config" run --set logging.level=debug
like "looks for more than it asks it for" "$err" \
    'env: secret CleverSyncSOS--Clever--AccessToken: absent'
asked | tr ' ' '\n' | grep -c '^/secrets/' >"$dir/tries"
ok "asks it once for all districts and once for its own, and then no more" \
    test "$(cat "$dir/tries")" -le 8
fault
ok "the next run" env CLEVERSYNCSOS__CLEVER__CLIENTID=not-this-one \
    CLEVERSYNCSOS__CLEVER__CLIENTSECRET=not-this-one \
    "$CLEVERSYNC" --config "$config" run
like "reads from it again" "$err" "credential.keyvault: secret $id: found"
unlike "and is not poorer" "$err" 'Degraded'

finish
