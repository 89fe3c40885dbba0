#!/bin/bash
# The images of the coordinator and of the agent, as OCI layouts in one tar each, for both architectures, made without an
# engine: a program, the C library of Debian that it is linked with, and a user. Nothing else is inside, no shell either.
#
# usage: build.sh DIST    after the programs of TARGETS were built; SOURCE_DATE_EPOCH says how old everything is
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
wanted=${TARGETS:-}
# shellcheck source=../release/versions.sh
. "$here/../release/versions.sh"
TARGETS=${wanted:-$TARGETS}
dist=$(cd "$1" && pwd)
suite=bookworm
cd "$here/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(cargo metadata --no-deps --format-version 1 --locked | sed 's/.*"name":"coordctl","version":"\([^"]*\)".*/\1/')
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

# Every tar is the same for the same files.
pack() { tar --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --numeric-owner --no-recursion "$@"; }

# The C library of an architecture, unpacked once and kept beside the tools; remove it to get what Debian has now.
library() {
    local kept=$CACHE/container-$suite-$1.tar
    if ! [ -e "$kept" ]; then
        echo "container: the C library of Debian $suite for $1" >&2
        mmdebstrap --quiet --mode=chrootless --variant=extract --architectures="$1" --include=libc6 \
            --format=tar "$suite" "$kept.new" </dev/null >&2
        mv "$kept.new" "$kept"
    fi
    echo "$kept"
}

# The files of an image for a Debian architecture, in the folder $work/root.
files() {
    local name=$1 target=$2 debian=$3 place=$work/root program
    rm -rf "$place"
    mkdir -p "$place"/{usr/bin,etc,tmp,run}
    tar -C "$place" -xf "$(library "$debian")" --wildcards './lib*/ld-linux*' \
        './lib/*/lib[cm].so.6' './lib/*/lib'{dl,nss_dns,nss_files,resolv}.so.2 './lib/*/libpthread.so.0' \
        './lib/*/lib'{gcc_s,rt,util}.so.1 './usr/share/doc/*/copyright'
    for program in "${@:4}"; do
        install -m 0755 "$CARGO_TARGET_DIR/$target/$program" "$place/usr/bin/"
    done
    printf 'root:x:0:0:root:/:/nonexistent\n%s:x:65532:65532::/var/lib/%s:/nonexistent\n' "$name" "$name" \
        >"$place/etc/passwd"
    printf 'root:x:0:\n%s:x:65532:\n' "$name" >"$place/etc/group"
    printf 'hosts: files dns\n' >"$place/etc/nsswitch.conf"
    chmod -R u=rwX,go=rX "$place"
    chmod 1777 "$place/tmp"
}

# The layer of these files: all of them root's, but for the folder where the program keeps what it learns.
layer() {
    local name=$1
    mkdir -p "$work/state/var/lib/$name"
    chmod 0755 "$work"/state/var{,/lib}
    chmod 0700 "$work/state/var/lib/$name"
    (cd "$work/root" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort) >"$work/names"
    pack -C "$work/root" --owner=0 --group=0 -cf "$work/layer" -T "$work/names"
    pack -C "$work/state" --owner=0 --group=0 -rf "$work/layer" var var/lib
    pack -C "$work/state" --owner=65532 --group=65532 -rf "$work/layer" "var/lib/$name"
    rm -rf "$work/state"
}

sum() { sha256sum "$1" | cut -d' ' -f1; }

# Moves a file into the layout, and describes it by media type, sum and size.
blob() {
    local type=$1 file=$2 digest size
    digest=$(sum "$file")
    size=$(stat -c %s "$file")
    mv "$file" "$layout/blobs/sha256/$digest"
    printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' "$type" "$digest" "$size"
}

# What an engine has to know to run it.
settings() {
    case $1 in
    coordinator) cat <<'END'
"Entrypoint":["/usr/bin/coordinator"],"Cmd":["serve"],"ExposedPorts":{"7443/tcp":{},"7444/tcp":{}},
"Env":["PATH=/usr/bin","COORDINATOR_HTTP=0.0.0.0:7444","COORDINATOR_SOCKET=/var/lib/coordinator/control.sock",
"COORDCTL_SOCKET=/var/lib/coordinator/control.sock"],
END
    ;;
    coord-agent) printf '"Entrypoint":["/usr/bin/coord-agent"],"Cmd":["run"],"Env":["PATH=/usr/bin"],\n' ;;
    esac
    printf '"User":"65532:65532","WorkingDir":"/","Volumes":{"/var/lib/%s":{}},' "$1"
    printf '"Labels":{"org.opencontainers.image.title":"%s","org.opencontainers.image.version":"%s",' "$1" "$version"
    printf '"org.opencontainers.image.licenses":"Apache-2.0"}'
}

# One architecture of an image, described.
manifest() {
    local name=$1 oci=$2 identity config layers
    layer "$name"
    identity=$(sum "$work/layer")
    gzip -9n <"$work/layer" >"$work/layer.gz"
    printf '{"created":"%s","architecture":"%s","os":"linux","config":{%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$created" "$oci" "$(settings "$name")" "$identity" >"$work/config"
    config=$(blob config.v1+json "$work/config")
    layers=$(blob layer.v1.tar+gzip "$work/layer.gz")
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}]}' \
        "$config" "$layers" >"$work/manifest"
    printf '{%s,"platform":{"os":"linux","architecture":"%s"}}' "$(blob manifest.v1+json "$work/manifest")" "$oci"
}

# A whole image: a list of architectures under one name.
image() {
    local name=$1 target debian manifests=
    layout=$work/layout
    rm -rf "$layout"
    mkdir -p "$layout/blobs/sha256"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    for target in $TARGETS; do
        case $target in x86_64-*) debian=amd64 ;; *) debian=arm64 ;; esac
        files "$name" "$target" "$debian" "${@:2}"
        manifests=$manifests${manifests:+,}$(manifest "$name" "$debian")
    done
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$manifests" >"$work/list"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
        "$(blob index.v1+json "$work/list")" "$version" >"$layout/index.json"
    (cd "$layout" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort) >"$work/names"
    chmod -R u=rwX,go=rX "$layout"
    pack -C "$layout" --owner=0 --group=0 -cf "$dist/$name-$version.oci.tar" -T "$work/names"
    echo "container: $name $version for ${TARGETS}" >&2
}

image coordinator release/coordinator agent/coordctl
image coord-agent agent/coord-agent
