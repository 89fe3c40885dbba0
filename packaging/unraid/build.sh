#!/bin/sh
# Builds the Unraid plugin: build.sh BINARIES OUT VERSION
#
#   BINARIES  a folder with coord-agent and coord-helper for x86-64
#   OUT       gets coord-agent.plg, coord-agent-VERSION-x86_64-1.txz and the folder community
#   VERSION   of Coord; Unraid compares the plugin's own version as text, so that is the day
#
#   SOURCE_DATE_EPOCH  the time of every file and of the plugin's version; else that of the last commit
#   COORD_BASE_URL     where the two files will lie; https only
#   COORD_REPOSITORY   the registry and folder of the coordinator's image
#   COORD_XZ_LEVEL     how hard xz tries, -9e; -0 is quick
#
# The same input makes the same bytes.
set -eu
export LC_ALL=C TZ=UTC

[ $# -eq 3 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
binaries=$1 out=$2 version=$3
here=$(cd "$(dirname "$0")" && pwd)
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}
base=${COORD_BASE_URL:-https://coord.example/unraid}
repository=${COORD_REPOSITORY:-registry.example/coord}
day=$(date -u -d "@$epoch" +%Y.%m.%d)

fail() { echo "error: $*" >&2; exit 1; }
case $version in *[!A-Za-z0-9.+~]* | '') fail "the version $version cannot stand in a package's name" ;; esac
case $base in https://*[!A-Za-z0-9./:_-]* | https:// ) fail "COORD_BASE_URL has characters that a plugin cannot have" ;; https://*) ;; *) fail "COORD_BASE_URL is not https" ;; esac
for program in coord-agent coord-helper; do
  [ -x "$binaries/$program" ] || fail "$binaries/$program is missing; build it: cargo build --profile agent -p coord-agent"
done

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp -R "$here/package/." "$root/"
mkdir -p "$root/usr/local/sbin" "$root/usr/local/emhttp/plugins/coord-agent/event"
cp "$binaries/coord-agent" "$binaries/coord-helper" "$root/usr/local/sbin/"
find "$root" -type d -exec chmod 0755 {} +
find "$root" -type f -exec chmod 0644 {} +
chmod 0755 "$root"/usr/local/sbin/* "$root"/etc/rc.d/* "$root"/usr/local/emhttp/plugins/coord-agent/scripts/*
if grep -rlI "$(printf '\r')" "$root/install" "$root/etc" "$root/usr/local/emhttp"; then fail "a file has line ends of another system"; fi

mkdir -p "$out/community"
package=coord-agent-$version-x86_64-1.txz
# One thread: blocks cut by several would depend on their number.
tar -C "$root" --format=gnu --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -cf - . |
  xz "${COORD_XZ_LEVEL:--9e}" --threads=1 >"$out/$package"
sum=$(sha256sum "$out/$package" | cut -d' ' -f1)

fill() { sed -e "s|@DATE@|$day|g" -e "s|@VERSION@|$version|g" -e "s|@BASE_URL@|$base|g" -e "s|@SHA256@|$sum|g" -e "s|@REPOSITORY@|$repository|g" "$1" >"$2"; }
fill "$here/coord-agent.plg" "$out/coord-agent.plg"
for file in "$here"/community/*.xml; do
  fill "$file" "$out/community/$(basename "$file")"
done
touch -d "@$epoch" "$out/$package" "$out/coord-agent.plg" "$out"/community/*.xml
echo "$out/coord-agent.plg: version $day, $package of $(wc -c <"$out/$package") bytes"
