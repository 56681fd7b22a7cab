#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# When secrets are of no more use, no memory of the process holds them: neither
# what the program freed nor what its libraries did.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
: "${CC:=cc}"
! grep -q '__[at]san_init' "$CLEVERSYNC" ||
    skip_all "a sanitizer's memory is too large to be looked through"
$CC -shared -fPIC -O2 -Wl,-z,now -I"$builddir" -o "$dir/scan.so" "$srcdir/tests/scan.c" \
    2>"$dir/cc" || skip_all "the memory's scanner cannot be compiled"

secret=client-id-secret-shy-heron-7c1b9d93ff02 # for Clever and the vault
stored=one-in-the-vault-dry-adder-51d0c8e6a4b7
filed=one-in-a-file----odd-otter-2b96e30fd71a
vault=lab-vault-token-4f1d09c2e7a85b36d8e0a1 # the lab's

# So that what comes after does not write over all of them by chance.
often() { # SECRET: many of it
    printf "$1%.0s" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
}

mkdir "$dir/arc" "$dir/secrets"
start_lab --schools 1 --students 40 --teachers 4 --vault "$dir/arc" \
    --client-secret "$(often $secret)"
unset CLEVERSYNCSOS__CLEVER__CLIENTID CLEVERSYNCSOS__CLEVER__CLIENTSECRET
write_config <<END
[credential.file]
directory = $dir/secrets
[credential.keyvault]
base_url = $lab_url
authority_host = $lab_url
END
sed 's/^credentials = .*/credentials = file keyvault clever-oauth/' "$config" \
    >"$config.new" && mv "$config.new" "$config"
post "/lab/secret?name=Is-Stored&value=$(often $stored)" >/dev/null
(umask 077 && often $filed >"$dir/secrets/Is-Filed")
register
token=$(post "/lab/token?district=$(district_ids)")
control='what-is-never-wiped-and-has-to-be-found'
basic=$(printf 'lab-client:%s' "$(often $secret)" | base64 -w 0 | cut -c 1-64)

# Their ends, for free() itself writes over the first 16 bytes.
backwards() { # SECRET...: with commas between
    printf '%s\n' "$@" | awk '{ word = ""
        for (i = length($0); i > 16; i--) word = word substr($0, i, 1)
        printf "%s%s", (NR > 1 ? "," : ""), word }'
}

# A library whose symbols are bound on their first call saves the registers on
# the stack, with what memcpy() left in them: not ours to wipe, so all is bound
# at the start.
scanned() { # DESCRIPTION WORD...: the program, whose memory is looked through
    local what=$1
    shift
    ok "$what" env LD_BIND_NOW=1 LD_PRELOAD="$dir/scan.so" \
        SCAN_CONTROL=$control \
        SCAN_FOR="$(backwards "$control" "$secret" "$basic" "$token" \
            "$vault" "$stored" "$filed")" \
        SCAN_WITHOUT=AZURE_CLIENT_SECRET AZURE_TENANT_ID=lab-tenant \
        AZURE_CLIENT_ID=lab-client AZURE_CLIENT_SECRET="$(often $secret)" \
        "$CLEVERSYNC" --config "$config" "$@"
    like "$what: memory is looked through" "$err" \
        "^scan: $(backwards "$control") [1-9]"
}

gone() { # DESCRIPTION WORD
    like "$1" "$err" "^scan: $(backwards "$2") 0\$"
}

scanned "a run" run --set logging.level=debug
like "it read the vault" "$err" 'credential.keyvault: secret .* found'
right "and the school"
gone "a run keeps no client's secret" "$secret"
gone "nor as it is sent" "$basic"
gone "nor Clever's token" "$token"
gone "nor the vault's" "$vault"
scanned "a secret of the vault is read" secrets test Is-Stored
like "it is found" "$out" 'Is-Stored +credential.keyvault +found'
gone "and not kept" "$stored"
gone "nor the token for it" "$vault"
gone "nor what the token was had for" "$secret"
scanned "a secret in a file is read" secrets test Is-Filed
like "it is found there" "$out" 'Is-Filed +credential.file +found'
gone "and not kept either" "$filed"

finish
