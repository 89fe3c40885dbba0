//! The rpm packages, in a root of their own with their scripts run: user made, files in place, settings kept, removed.

use std::path::Path;

use coord_tests::{machine::rootfs, skip::skipped};

use crate::{file, shell};

/// A copy of the machines' root file system that forgets; `$1` is that root, `$2` the kind of machine, the packages follow.
const STORY: &str = r#"
work=$(mktemp -d)
mount -t tmpfs rpm "$work"
trap 'umount "$work/root" "$work" && rmdir "$work"' EXIT
mkdir "$work/up" "$work/down" "$work/root"
mount -t overlay -o "lowerdir=$1,upperdir=$work/up,workdir=$work/down" rpm "$work/root"
root=$work/root machine=$2
shift 2
for file; do rpm --root "$root" --nodeps --ignorearch --force-debian -i "$file" >&2; done
grep -q '^coord-agent:' "$root/etc/passwd"
grep -q '^coordinator:' "$root/etc/passwd"
rpm --root "$root" --force-debian -Va --nodeps | grep coord >&2 && exit 1
case $machine in
x86_64) "$root/usr/bin/coord-agent" --version >&2 ;;
*) readelf -h "$root/usr/bin/coord-agent" | grep -q AArch64 ;;
esac
echo 'name: kept' >"$root/etc/coord/agent.yaml"
mkdir -p "$root/var/lib/coord-agent" && echo kept >"$root/var/lib/coord-agent/identity.json"
rpm --root "$root" --nodeps --ignorearch --force-debian -U --replacepkgs --replacefiles "$1" >&2
grep -q kept "$root/etc/coord/agent.yaml"
rpm --root "$root" --force-debian -e --nodeps coord-agent coordinator coordctl >&2
grep -q kept "$root/var/lib/coord-agent/identity.json"
grep -q kept "$root/etc/coord/agent.yaml.rpmsave"
! ls "$root"/usr/bin/coord* "$root"/usr/lib/systemd/system/coord* 2>/dev/null
"#;

#[test]
fn rpm_packages_install_and_leave_in_a_root_of_their_own() {
    let root = match rootfs() {
        Ok(root) => root,
        Err(reason) => return skipped("rpm_packages_install_and_leave_in_a_root_of_their_own", &reason),
    };
    for machine in ["x86_64", "aarch64"] {
        let files = ["coord-agent", "coordinator", "coordctl"].map(|name| file(&format!("{name}-*.{machine}.rpm")));
        let said = shell("rpm -qp --requires \"$1\"", &[&files[0]]);
        assert!(said.contains("glibc >= 2.28"), "{said}");
        shell(STORY, &[&root, Path::new(machine), &files[0], &files[1], &files[2]]);
    }
}
