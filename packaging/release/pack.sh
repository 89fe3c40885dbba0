#!/bin/sh
# Makes the Debian and the rpm packages of one target from programs that were built.
#
# usage: pack.sh TARGET DIST
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=versions.sh
. "$here/versions.sh"
target=$1 dist=$2
cd "$here/../.."
# The time of a checkout is nothing that a package should know; what is younger than the source, the tools set back.
find systemd packaging/etc packaging/debian LICENSE -type f -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

for package in coord-agent:agent:agent coordinator:release:coordinator coordctl:agent:coordctl; do
    name=${package%%:*} folder=${package##*:} profile=${package#*:}
    profile=${profile%%:*}
    echo "pack: $name for $target" >&2
    cargo deb --quiet -p "$name" --profile "$profile" --target "$target" --no-build --no-strip \
        --output "$dist/" >/dev/null
    cargo generate-rpm -p "$folder" --profile "$profile" --target "$target" --target-dir "$CARGO_TARGET_DIR" \
        --payload-compress zstd --output "$dist/" >/dev/null
done
