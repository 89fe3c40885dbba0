#!/bin/sh
# Everything that is released, into a folder: packages, images, the bill of materials, and the sums of all of it.
#
# usage: packages.sh DIST    TARGETS='…' makes fewer; CARGO_TARGET_DIR is where things are built
set -eu

here=$(cd "$(dirname "$0")" && pwd)
wanted=${TARGETS:-}
# shellcheck source=versions.sh
. "$here/versions.sh"
TARGETS=${wanted:-$TARGETS}
dist=$1
root=$(cd "$here/../.." && pwd)
cd "$root"

# Nothing in a package is younger than the last change of the source.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH TARGETS LC_ALL=C TZ=UTC
umask 022

say() { echo "packages: $*" >&2; }
case $(uname -m) in
x86_64) own=x86_64-unknown-linux-gnu ;;
*) echo "error: packages are made on x86-64 only, this is $(uname -m)" >&2; exit 1 ;;
esac
case " $TARGETS " in *" $own "*) ;; *) echo "error: TARGETS needs $own, whose programs write the manual pages" >&2; exit 1 ;; esac

"$here/tools.sh"
rm -rf "$dist"
mkdir -p "$dist"
version=$(cargo metadata --no-deps --format-version 1 --locked | sed 's/.*"name":"coordctl","version":"\([^"]*\)".*/\1/')
say "version $version for $TARGETS"

for target in $TARGETS; do
    "$here/build.sh" "$target"
done

programs=$CARGO_TARGET_DIR/programs
rm -rf "$programs"
mkdir "$programs"
cp "$CARGO_TARGET_DIR/$own/agent/coord-agent" "$CARGO_TARGET_DIR/$own/release/coordinator" \
    "$CARGO_TARGET_DIR/$own/agent/coordctl" "$programs/"
"$here/stage.sh" "$programs" "$root/dist/.stage"

for target in $TARGETS; do
    "$here/pack.sh" "$target" "$dist"
done
if [ -x packaging/container/build.sh ]; then
    packaging/container/build.sh "$dist"
fi
if [ -x packaging/unraid/build.sh ]; then
    say "the Unraid plugin"
    mkdir -p "$programs/unraid"
    cp "$CARGO_TARGET_DIR/$own/agent/coord-agent" "$CARGO_TARGET_DIR/$own/agent/coord-helper" "$programs/unraid/"
    packaging/unraid/build.sh "$programs/unraid" "$dist" "$version"
fi
"$here/bill.sh" "$dist"
cp packaging/install.sh "$dist/"

rm -rf "$root/dist/.stage"
(cd "$dist" && find . -type f -printf '%P\n' | sort | xargs -d '\n' sha256sum -- >"$CARGO_TARGET_DIR/sums" && mv "$CARGO_TARGET_DIR/sums" SHA256SUMS)
say "$(find "$dist" -type f | wc -l) files in $dist"
