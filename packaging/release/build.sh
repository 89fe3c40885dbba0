#!/bin/sh
# Builds the programs for one target against the oldest C library, with the list of their dependencies inside.
#
# usage: build.sh TARGET
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=versions.sh
. "$here/versions.sh"
target=$1
root=$(cd "$here/../.." && pwd)
cd "$root"

# Whose folders these are does not belong into what ships, and would make every machine's result another one.
RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates --remap-path-prefix=$root=/coord"
RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$CARGO_TARGET_DIR=/build"
export RUSTFLAGS CARGO_INCREMENTAL=0

build() {
    echo "build: $* for $target" >&2
    cargo auditable zigbuild --locked --quiet --target "$target.$GLIBC" "$@"
}

# One at a time: what one program wants of a library would make the others larger.
build --profile agent -p coord-agent
build --profile agent -p coordctl
build --profile release -p coordinator
"$here/check-binaries.sh" "$target"
