#!/bin/sh
# Installs a package of Coord that lies beside this script: picks the one for this machine, compares its sum with
# SHA256SUMS, says what it will do, and does it. Never needed: `apt install ./FILE` or `dnf install ./FILE` does the same.
#
# usage: sh install.sh [coord-agent|coordinator|coordctl]    DRY_RUN=1 only says what would be done
set -eu

package=${1:-coord-agent}
here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "error: $1" >&2
    [ -z "${2:-}" ] || echo "hint: $2" >&2
    exit 1
}

case $package in
coord-agent | coordinator | coordctl) ;;
*) fail "there is no package $package" "sh install.sh coord-agent, coordinator or coordctl" ;;
esac

# COORD_ROOT is another root to look at, for tests.
root=${COORD_ROOT:-}
machine=${COORD_MACHINE:-$(uname -m)}
case $machine in
x86_64) deb=amd64 rpm=x86_64 ;;
aarch64 | arm64) deb=arm64 rpm=aarch64 ;;
armv6l | armv7l) fail "there is no package for 32-bit $machine" "install the 64-bit Raspberry Pi OS, or build from source" ;;
*) fail "there is no package for $machine" "packages are for x86_64 and aarch64; build from source" ;;
esac
# A 64-bit kernel below a 32-bit system, as Raspberry Pi OS has it.
if [ "$deb" = arm64 ] && [ -z "$root" ] && [ "$(getconf LONG_BIT)" = 32 ]; then
    fail "this system is 32-bit although its kernel is not" "install the 64-bit Raspberry Pi OS"
fi

if [ -e "$root/etc/unraid-version" ]; then
    fail "Unraid takes a plugin, not a package" "Plugins, Install Plugin; docs/UNRAID.md has the address"
elif [ -x "$root/usr/bin/apt-get" ]; then
    pattern="${package}_*_$deb.deb" install='apt-get install -y'
elif [ -x "$root/usr/bin/dnf" ]; then
    pattern="$package-*.$rpm.rpm" install='dnf install -y'
elif [ -x "$root/usr/bin/zypper" ]; then
    pattern="$package-*.$rpm.rpm" install='zypper --no-refresh install -y --allow-unsigned-rpm'
else
    fail "this system has neither apt, dnf nor zypper" "unpack the package by hand, see docs/INSTALL.md"
fi

if [ "$package" != coordctl ] && ! [ -d "$root/run/systemd/system" ]; then
    echo "note: systemd does not run here: $package is installed, and something else has to start it" >&2
fi
if ! [ -w "$root/usr" ]; then
    if [ "$(id -u)" != 0 ]; then fail "not root" "sudo sh install.sh $package"; fi
    fail "$root/usr is read-only" "on an immutable system run the agent's container, see docs/INSTALL.md"
fi

# shellcheck disable=SC2086 # the pattern is to be matched
file=$(cd "$here" && find . -maxdepth 1 -name "$pattern" | sort -V | tail -n 1)
[ -n "$file" ] || fail "no $pattern beside $0" "download the package into $here"
file=${file#./}
[ -e "$here/SHA256SUMS" ] || fail "no SHA256SUMS beside $0" "download it into $here"
sum=$(grep -F -e "  $file" "$here/SHA256SUMS") || fail "SHA256SUMS does not name $file" "download both anew"
echo "$sum" | (cd "$here" && sha256sum --check --status) || fail "$file is damaged: its sum is another" "download it anew"
echo "$file: its sum is right"

echo "next: $install $here/$file"
[ -z "${DRY_RUN:-}" ] || exit 0
$install "$here/$file"
case $package in
coord-agent) echo "next: coord-agent join" ;;
coordinator) echo "next: coordctl token create --node NAME" ;;
coordctl) echo "next: coordctl context add home" ;;
esac
