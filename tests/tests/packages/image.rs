//! The images, read as an engine would: by their index, with every sum compared, and the coordinator run from its root.

use std::path::Path;

use crate::{file, shell};

/// Copies one architecture out of the archive and unpacks its layer; the tool compares every sum on the way.
const UNPACK: &str = r#"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
skopeo --override-arch "$2" --insecure-policy --tmpdir "$work" copy -q "oci-archive:$1" "oci:$work/one:one" >&2
umoci unpack --rootless --image "$work/one:one" "$work/bundle" >&2
mv "$work/bundle/rootfs" "$3"
"#;

/// The coordinator in its root, read-only but for its folder, as its user, in a network of its own; a token is made inside.
const SERVE: &str = r#"
exec unshare -mnpf --kill-child --propagation private sh -euc '
ip link set lo up
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=0700,uid=65532,gid=65532 state "$1/var/lib/coordinator"
export COORDINATOR_HTTP=0.0.0.0:7444 COORDINATOR_SOCKET=/var/lib/coordinator/control.sock COORDCTL_SOCKET=/var/lib/coordinator/control.sock
chroot --userspec=65532:65532 "$1" /usr/bin/coordinator serve >&2 &
for _ in $(seq 600); do [ -S "$1/var/lib/coordinator/control.sock" ] && break; sleep 0.1; done
chroot --userspec=65532:65532 "$1" /usr/bin/coordctl token create --node here
' sh "$1"
"#;

/// Unpacks the root file system of an image.
pub(crate) fn unpack(name: &str, architecture: &str, folder: &Path) {
    shell(UNPACK, &[&file(&format!("{name}-*.oci.tar")), Path::new(architecture), folder]);
}

#[test]
fn images_are_read_by_others_and_run_without_root() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["coordinator", "coord-agent"] {
        for architecture in ["amd64", "arm64"] {
            unpack(name, architecture, &folder.path().join(format!("{name}-{architecture}")));
            let inspect = "skopeo --override-arch \"$2\" inspect --config \"oci-archive:$1\"";
            let text = shell(inspect, &[&file(&format!("{name}-*.oci.tar")), Path::new(architecture)]);
            let config: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (&config["config"]["User"], &config["architecture"]),
                (&"65532:65532".into(), &architecture.into())
            );
        }
    }
    for name in ["coordinator", "coord-agent"] {
        let program = format!("/usr/bin/{name}");
        let root = folder.path().join(format!("{name}-amd64"));
        let said = shell("chroot --userspec=65532:65532 \"$1\" \"$2\" --version", &[&root, Path::new(&program)]);
        assert!(said.starts_with(name), "{said}");
    }
    let said = shell(SERVE, &[&folder.path().join("coordinator-amd64")]);
    assert!(said.contains("coord_"), "no token: {said}");
}
