#!/bin/sh
# The bill of materials (CycloneDX) of each program: what was linked in, for both targets.
#
# usage: bill.sh DIST
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=versions.sh
. "$here/versions.sh"
dist=$1
root=$(cd "$here/../.." && pwd)
cd "$root"
# Without it every bill would have a number and a time of its own.
[ -n "${SOURCE_DATE_EPOCH:-}" ]

for folder in agent coordinator coordctl; do
    echo "bill: $folder" >&2
    cargo cyclonedx --quiet --manifest-path "$folder/Cargo.toml" --format json --target all \
        --no-build-deps --override-filename .coord-bill
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' "$folder/Cargo.toml" | head -n 1)
    # Where the source lay is nobody's business.
    sed "s#$root#/coord#g" "$folder/.coord-bill.json" >"$dist/$name.cdx.json"
    find . -name .coord-bill.json -not -path './.git/*' -delete
done
