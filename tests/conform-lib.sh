# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Words about `plugins check`, behind those of lib.sh.

prepare_check() { # the lab that the command starts, secrets to look out for
    cat >"${config:?}" <<END
[cleversync]
credentials = env clever-oauth
[credential.clever-oauth]
token_url = {lab}/oauth/tokens
END
    export CLEVERSYNCSOS__CLEVER__CLIENTID=lab-client
    export CLEVERSYNCSOS__CLEVER__CLIENTSECRET=lab-secret
    export CLEVERSYNCSOS__WEBHOOK__SECRET=canary-of-the-hook
}

start_check() { # NAME ARGUMENT...: in the background, into $dir/NAME.tap
    local name=$1
    shift
    cs plugins check "$@" >"${dir:?}/$name.tap" 2>"$dir/$name.err" </dev/null &
}

failed() { # FILE: the cases that did
    sed -n 's/^not ok [0-9]* - //p' "$1"
}

wrong() { # FAULT CASE...: exactly these cases fail
    local fault=$1
    shift
    is "what finds the fault $fault" "$(failed "$dir/$fault.tap")" \
        "$([ $# -eq 0 ] || printf '%s\n' "$@")"
    like "$fault: the sum" "$dir/$fault.tap" "^# [0-9]+ passed, $# failed"
}
