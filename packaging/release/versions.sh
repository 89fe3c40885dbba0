#!/bin/sh
# shellcheck disable=SC2034 # read by the scripts that source this file
# What packages are made with. The folder of the tools carries their versions, so that a change makes new ones.
ZIG=0.17.1
CARGO_ZIGBUILD=0.24.0
CARGO_DEB=3.8.0
CARGO_GENERATE_RPM=0.21.1
CARGO_AUDITABLE=0.7.7
CARGO_CYCLONEDX=0.5.9

# The oldest C library that a package runs with: Debian 10, RHEL 8 and newer.
GLIBC=2.28
TARGETS='x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu'

CACHE=${COORD_CACHE:-$HOME/.cache/coord}
TOOLS=$CACHE/packaging-$ZIG-$CARGO_ZIGBUILD-$CARGO_DEB-$CARGO_GENERATE_RPM-$CARGO_AUDITABLE-$CARGO_CYCLONEDX
PATH=$TOOLS/bin:$TOOLS/python/bin:$HOME/.cargo/bin:$PATH
export PATH
