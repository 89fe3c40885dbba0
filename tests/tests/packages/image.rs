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
            assert_eq!((&config["config"]["User"], &config["architecture"]), (&"65532:65532".into(), &architecture.into()));
        }
    }
    let said = shell("chroot --userspec=65532:65532 \"$1\" /usr/bin/coordinator --version", &[&folder.path().join("coordinator-amd64")]);
    assert!(said.starts_with("coordinator "), "{said}");
    let said = shell("chroot --userspec=65532:65532 \"$1\" /usr/bin/coord-agent --version", &[&folder.path().join("coord-agent-amd64")]);
    assert!(said.starts_with("coord-agent "), "{said}");
}
