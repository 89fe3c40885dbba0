#!/bin/sh
# Gets the tools that packages are made with into one folder of the cache, each at one version. Asks for no root.
set -eu

here=$(dirname "$0")
# shellcheck source=versions.sh
. "$here/versions.sh"

say() { echo "tools: $*" >&2; }

mkdir -p "$TOOLS/bin"
if ! [ -x "$TOOLS/python/bin/cargo-zigbuild" ]; then
    say "zig $ZIG and cargo-zigbuild $CARGO_ZIGBUILD"
    rm -rf "$TOOLS/python"
    python3 -m venv "$TOOLS/python"
    "$TOOLS/python/bin/pip" install -q --disable-pip-version-check \
        "ziglang==$ZIG" "cargo-zigbuild==$CARGO_ZIGBUILD" >&2
fi

for tool in cargo-deb:$CARGO_DEB cargo-generate-rpm:$CARGO_GENERATE_RPM cargo-auditable:$CARGO_AUDITABLE \
    cargo-cyclonedx:$CARGO_CYCLONEDX; do
    name=${tool%%:*}
    [ -x "$TOOLS/bin/$name" ] && continue
    say "$name ${tool##*:}, built once"
    CARGO_TARGET_DIR=$TOOLS/target cargo install -q --locked --root "$TOOLS" --version "${tool##*:}" "$name" >&2
done
rm -rf "$TOOLS/target"

for target in $TARGETS; do
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] && continue
    say "the standard library for $target"
    rustup target add "$target" >&2
done
