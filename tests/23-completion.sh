#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What the shells offer while a command is typed.

. "${srcdir:-.}/tests/lib.sh"
export CLEVERSYNC_CONF_AVAILABLE="$dir/available"
mkdir "$CLEVERSYNC_CONF_AVAILABLE" "$dir/conf.d" "$dir/words"
: >"$dir/words/mine.so"
touch "$CLEVERSYNC_CONF_AVAILABLE/student.conf" \
    "$CLEVERSYNC_CONF_AVAILABLE/teacher.conf" "$dir/words/own.conf"
ln -s "$CLEVERSYNC_CONF_AVAILABLE/student.conf" "$dir/conf.d/"
mkdir "$dir/bin"
printf '#!/bin/sh\nexec "%s" --config "%s" "$@"\n' "$CLEVERSYNC" "$config" \
    >"$dir/bin/cleversync"
chmod +x "$dir/bin/cleversync"
: >"$config"
PATH=$dir/bin:$PATH
cd "$dir/words" || exit 99

# ---- The program's part ----------------------------------------------------

for shell in bash zsh fish; do
    ok "there is a script for $shell" "$CLEVERSYNC" completion "$shell"
    cp "$out" "$dir/$shell"
done
for made in cleversync:bash _cleversync:zsh cleversync.fish:fish; do
    file=$builddir/completion/${made%:*}
    [ -e "$file" ] || file=$srcdir/completion/${made%:*}
    is "the one that is installed is the same (${made#*:})" \
        "$(cat "$file")" "$(cat "$dir/${made#*:}")"
done
ok "plugins for the scripts" cs completion plugins
like "their kinds stand before" "$out" '^mapper/student$'
ok "what can be enabled" cs completion available
is "it is all of it" "$(tr '\n' ' ' <"$out")" "student teacher "
ok "what is enabled" cs completion enabled
is "it is no more" "$(cat "$out")" student
exits 2 "a shell that is not known" cs completion tcsh
like "the known ones are named" "$err" 'takes bash, zsh, fish'

# ---- Bash -------------------------------------------------------------------

offered() { # WORD...: what bash offers for the last one, sorted, in a line
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _cleversync; printf "%s\n" "${COMPREPLY[@]}"' \
        "$dir/bash" cleversync "$@" 2>&1 | LC_ALL=C sort | tr '\n' ' '
}

# The --help of a command lists its options: "  -n, --dry-run  ...".
own_options() { # COMMAND
    "$CLEVERSYNC" $1 --help </dev/null | sed -n -e 's/=.*//' \
        -e 's/^  *\(-[a-z]\), \(--[a-z-]*\).*/\1\n\2/p' \
        -e 's/^  *\(--[a-z-]*\).*/\1/p' | LC_ALL=C sort | tr '\n' ' '
}

if command -v bash >/dev/null; then
    "$CLEVERSYNC" --help |
        sed -n 's/^  \([a-z-]*\( [a-z-]\{1,\}\)\{0,1\}\)  *[A-Z].*/\1/p' >"$dir/commands"
    is "all first words" "$(offered "")" \
        "$(sed 's/ .*//' "$dir/commands" | LC_ALL=C sort -u | tr '\n' ' ')"
    is "all second ones" "$(sed -n 's/ .*//p' "$dir/commands" | sort -u |
        while read -r group; do
            wanted=$(sed -n "s/^$group //p" "$dir/commands" |
                LC_ALL=C sort | tr '\n' ' ')
            [ "$(offered "$group" "")" = "$wanted" ] || echo "$group"
        done)" ""
    is "all options of all commands" "$(while read -r command; do
        [ "$(offered $command -)" = "$(own_options "$command")" ] ||
            echo "$command"
    done <"$dir/commands")" ""
    is "a beginning" "$(offered re)" "reject rejects "
    is "behind --config" "$(offered --config own.conf school re)" \
        "remove restamp "
    is "behind --config=" "$(offered --config = own.conf school se)" "set "
    is "a file" "$(offered --config o)" "own.conf "
    is "a file behind =" "$(offered --config = o)" "own.conf "
    is "a command's file" "$(offered run --config o)" "own.conf "
    is "words of an option" "$(offered school set x --active "")" "no yes "
    is "words behind =" "$(offered run --output = j)" "json "
    is "words behind a lone =" "$(offered run --output =)" "json text "
    is "words of a letter" "$(offered run -o "")" "json text "
    is "nothing where nobody knows" "$(offered run --school "")" " "
    is "a plugin" "$(offered plugins info mapper/)" \
        "mapper/student mapper/teacher "
    is "a plugin's file" "$(offered plugins check ./m)" "./mine.so "
    is "the kind of a new plugin" "$(offered plugins new s)" "sink source "
    is "what is to be enabled" "$(offered plugins enable "")" \
        "student teacher "
    is "a second one, too" "$(offered plugins enable student te)" "teacher "
    is "what is to be disabled" "$(offered plugins disable "")" "student "
    is "an option of the lab" "$(offered lab --li)" "--list --list-faults "
    is "a directory of the lab" "$(cd "$dir" && offered lab --vault w)" "words "
else
    skip "bash is not installed" "what bash offers"
fi

# ---- Fish --------------------------------------------------------------------

fish_offers() { # LINE: what fish offers for its last word
    HOME=$dir XDG_CONFIG_HOME=$dir XDG_DATA_HOME=$dir fish --no-config \
        -c 'source $argv[1]; complete -C $argv[2]' "$dir/fish" "$1" \
        2>"$err" | sed 's/\t.*//' | LC_ALL=C sort -u | tr '\n' ' '
}

if command -v fish >/dev/null; then
    ok "fish reads its script" fish --no-execute "$dir/fish"
    is "fish: a beginning" "$(fish_offers 'cleversync re')" "reject rejects "
    is "fish: a second word" "$(fish_offers 'cleversync school re')" \
        "remove restamp "
    is "fish: an option" "$(fish_offers 'cleversync plan --show')" \
        "--show-values "
    is "fish: words of an option" \
        "$(fish_offers 'cleversync school set x --active ')" "no yes "
    is "fish: a plugin" "$(fish_offers 'cleversync plugins info mapper/')" \
        "mapper/student mapper/teacher "
    is "fish: a plugin's file" \
        "$(fish_offers 'cleversync plugins check ./m')" "./mine.so "
    is "fish: the kind of a new plugin" \
        "$(fish_offers 'cleversync plugins new s')" "sink source "
    is "fish: behind --config" \
        "$(fish_offers 'cleversync --config own.conf config s')" "sample show "
else
    skip "fish is not installed" "what fish offers"
fi

# ---- Zsh ---------------------------------------------------------------------

cat >"$dir/zpty" <<'END'
zmodload zsh/zpty
zpty shell "PS1= TERM=dumb zsh -f -i"
zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -D -u"
zpty -w shell "zstyle ':completion:*' list-colors 'no=' ; LISTMAX=0"
zpty -w shell "bindkey '^I' complete-word; unsetopt automenu"
zpty -w shell "compadd() { [[ \$1 == -O || \$1 == -A || \$1 == -D ]] ||"\
" { local -a hits; builtin compadd -O hits \"\$@\";"\
" print -rl -- '<'\$^hits'>' >>$2; }; builtin compadd \"\$@\" }"
zpty -w shell "print rea''dy"
zpty -r -m shell line '*ready*'
zpty -n -w shell "$3"$'\t'
zpty -n -w shell $'\x15print do\x27\x27ne\n'
zpty -r -m shell line '*done*'
zpty -d shell
END
zsh_offers() { # LINE: what zsh offers for its last word
    mkdir -p "$dir/fpath"
    cp "$dir/zsh" "$dir/fpath/_cleversync"
    : >"$dir/hits"
    timeout 30 zsh -f "$dir/zpty" "$dir/fpath" "$dir/hits" "$1" \
        >"$dir/zpty.out" 2>"$err" </dev/null
    sed -n 's/^<\(.*\)>$/\1/p' "$dir/hits" | LC_ALL=C sort -u | tr '\n' ' '
}

if command -v zsh >/dev/null; then
    ok "zsh reads its script" zsh -n "$dir/zsh"
    is "zsh: a beginning" "$(zsh_offers 'cleversync re')" "reject rejects "
    is "zsh: a second word" "$(zsh_offers 'cleversync school re')" \
        "remove restamp "
    is "zsh: an option" "$(zsh_offers 'cleversync plan --show')" \
        "--show-values "
    is "zsh: words of an option" \
        "$(zsh_offers 'cleversync school set x --active ')" "no yes "
    is "zsh: a plugin" "$(zsh_offers 'cleversync plugins info mapper/')" \
        "mapper/student mapper/teacher "
    is "zsh: a plugin's file" \
        "$(zsh_offers 'cleversync plugins check ./m')" "mine.so "
    is "zsh: the kind of a new plugin" \
        "$(zsh_offers 'cleversync plugins new s')" "sink source "
    is "zsh: behind --config" \
        "$(zsh_offers 'cleversync --config own.conf config s')" "sample show "
else
    skip "zsh is not installed" "what zsh offers"
fi

finish
