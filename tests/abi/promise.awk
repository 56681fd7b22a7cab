# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Whether a newer header keeps what an older one of the same major number has
# promised: awk -f promise.awk OLD NEW.  Prints each promise that is broken.
#
# Structs with a size, tables of callbacks and enumerations may be longer than
# they were, with a higher minor number; all else is as it was.

FNR == 1 { file++ }
{ text[file] = text[file] $0 "\n" }

END {
    read_header(text[1], old)
    read_header(text[2], new)
    for (key in old)
        if (key != "#define CS_ABI_MINOR")
            judge(key)
    for (key in new)
        differs = differs || !(key in old)
    if (differs && minor(new) <= minor(old))
        print "there is more than before, but no higher CS_ABI_MINOR"
}

function minor(header) {
    return substr(header["#define CS_ABI_MINOR"], 22) + 0
}

function judge(key) {
    if (!(key in new))
        print key " is gone"
    else if (new[key] == old[key])
        return
    else if (may_grow(key) && begins(new[key], old[key]))
        differs = 1
    else
        print key " is not what it was"
}

function may_grow(key) {
    return key ~ /^enum/ || key ~ /_ops$/ ||
        (key ~ /^struct/ && old[key] ~ / size[,;]/)
}

function begins(longer, shorter) {
    sub(/,? }$/, "", shorter)
    return index(longer, shorter) == 1 &&
        substr(longer, length(shorter) + 1) ~ /^( |,)/
}

# All macros and declarations of a header, by what they declare.
function read_header(all, into,    n, i, lines, rest) {
    all = uncommented(all)
    gsub(/\\\n/, " ", all)
    n = split(all, lines, "\n")
    for (i = 1; i <= n; i++)
        if (lines[i] ~ /^#define/)
            keep(into, lines[i])
        else if (lines[i] !~ /^(#|extern "C"|}$)/)
            rest = rest lines[i] " "
    declarations(into, rest)
}

function uncommented(all,    out, from) {
    while ((from = index(all, "/*")) > 0) {
        out = out substr(all, 1, from - 1) " "
        all = substr(all, from + 2)
        all = substr(all, index(all, "*/") + 2)
    }
    return out all
}

function declarations(into, rest,    n, i, parts, one, open, shut) {
    n = split(rest, parts, ";")
    for (i = 1; i <= n; i++) {
        one = one parts[i]
        open += gsub(/{/, "{", parts[i])
        shut += gsub(/}/, "}", parts[i])
        if (open > shut) {
            one = one ";"
            continue
        }
        keep(into, one)
        one = ""
    }
}

function keep(into, one,    key) {
    gsub(/[ \t]+/, " ", one)
    sub(/^ /, "", one)
    sub(/ $/, "", one)
    if (one == "")
        return
    key = one
    if (one ~ /^#define/)
        key = "#define " substr(one, 9, match(substr(one, 9), /[( ]|$/) - 1)
    else if (one ~ /^enum {/)
        key = substr(one, 1, index(one, "=") - 2)
    else if (one ~ /^(struct|enum) [a-z_]* {/)
        key = substr(one, 1, index(one, "{") - 2)
    into[key] = one
}
