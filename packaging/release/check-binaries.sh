#!/bin/sh
# Fails unless the programs for a target need nothing newer than the oldest C library, only its libraries, and carry
# the list of what was linked in.
#
# usage: check-binaries.sh TARGET
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=versions.sh
. "$here/versions.sh"
target=$1
built=$CARGO_TARGET_DIR/$target
allowed='ld-linux-aarch64.so.1 ld-linux-x86-64.so.2 libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 librt.so.1 libutil.so.1'

fail() { echo "error: $1: $2" >&2; exit 1; }

for program in agent/coord-agent agent/coord-helper release/coordinator agent/coordctl; do
    file=$built/$program
    newest=$(readelf -V --wide "$file" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    printf '%s\nGLIBC_%s\n' "$newest" "$GLIBC" | sort -VC || fail "$program" "needs $newest, and $GLIBC is allowed"
    for library in $(readelf -d --wide "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        case " $allowed " in *" $library "*) ;; *) fail "$program" "needs $library" ;; esac
    done
    readelf -S --wide "$file" | grep -q '\.dep-v0' || fail "$program" "has no list of dependencies"
    ! grep -aq "$HOME/" "$file" || fail "$program" "knows the folder $HOME"
    echo "$program for $target: $newest, $(stat -c %s "$file") bytes" >&2
done
