#!/bin/sh
# Writes what goes into packages beside the programs: manual pages, completions, changelogs.
#
# usage: stage.sh PROGRAMS STAGE
# PROGRAMS holds coord-agent, coordinator and coordctl that this machine can run; they know their own words.
set -eu

programs=$1 stage=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$("$programs/coordctl" --version | cut -d' ' -f2)

rm -rf "$stage"
mkdir -p "$stage/man" "$stage/completions"

# The page of coord-agent is its help, as it is shown.
{
    printf '.TH coord-agent 8 "" "coord-agent %s" "Coord"\n.SH NAME\n' "$version"
    printf 'coord-agent \\- reports what is really on this machine\n'
    for command in '' check join leave run record; do
        if [ -z "$command" ]; then echo '.SH OVERVIEW'; else echo ".SH $command"; fi
        echo .nf
        # shellcheck disable=SC2086 # no command is no argument
        "$programs/coord-agent" $command --help | sed -e 's/\\/\\\\/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
        echo .fi
    done
    printf '.SH FILES\n.nf\n/etc/coord/agent.yaml      settings; may be missing\n'
    printf '/var/lib/coord\\-agent      the identity of this machine\n.fi\n'
    printf '.SH SEE ALSO\n.BR coordctl (1),\n.BR coordinator (8)\n'
} >"$stage/man/coord-agent.8"

cp "$root/packaging/release/coord-helper.8" "$stage/man/"
"$programs/coordctl" manual "$stage/man"
mkdir "$stage/man/8"
"$programs/coordinator" manual "$stage/man/8"
# What only root runs stands in section 8.
for page in "$stage"/man/8/*.1; do
    name=$(basename "$page" .1)
    sed -e 's/^\(\.TH [^ ]* *\)1/\18/' -e 's/(1)/(8)/g' "$page" >"$stage/man/$name.8"
done
rm -r "$stage/man/8"
gzip -9n "$stage"/man/*

for name in coordctl coordinator; do
    for shell in bash zsh fish; do
        "$programs/$name" completion $shell >"$stage/completions/$name.$shell"
    done
done
cp "$root"/packaging/completions/coord-agent.* "$stage/completions/"

# Debian's form of the changelog, from the newest entry of ours, in lines of its width.
day=$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
for name in coord-agent coordinator coordctl; do
    {
        printf '%s (%s) unstable; urgency=medium\n\n' "$name" "$version"
        awk '/^## / { if (seen++) exit } !seen { next } /^- / { print ""; printf "%s", $0; next }
             /^  [^ ]/ { sub(/^ +/, " "); printf "%s", $0 } END { print "" }' "$root/CHANGELOG.md" |
            fold -s -w 72 | sed -e '/^$/d' -e 's/ *$//' | sed -e 's/^- /  * /' -e t -e 's/^/    /'
        printf '\n -- Coord maintainers <coord@localhost>  %s\n' "$day"
    } | gzip -9n >"$stage/$name.changelog.gz"
done
gzip -9nc "$root/CHANGELOG.md" >"$stage/CHANGELOG.md.gz"
