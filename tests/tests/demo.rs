//! The demonstration works as it is promised: all nine nodes come in, the screens are shown, nothing stays behind.

use std::process::{Command, Stdio};

use coord_tests::{control_plane::Programs, lab::program, skip::skipped};

#[test]
fn the_demonstration_shows_a_home_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(program("demo"));
    demo.arg("--once").env("TMPDIR", folder.path()).env("HOME", "/nonexistent").stdin(Stdio::null());
    let output = demo.output().unwrap();
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    for line in ["$ coordctl status", "$ coordctl get gpus", "$ coordctl describe node k3s-w3", "gpu-device-cgroup"] {
        assert!(shown.contains(line), "{line:?} is not in {shown}");
    }
    assert!(said.contains("all 9 nodes are in"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something stayed in the temporary folder");
}

#[test]
fn the_demonstration_with_a_cluster_ends_with_its_labels() {
    let programs = match Programs::find() {
        Ok(programs) if programs.has_all() => programs,
        Ok(_) => return skipped("the_demonstration_with_a_cluster_ends_with_its_labels", "kwok is missing"),
        Err(reason) => return skipped("the_demonstration_with_a_cluster_ends_with_its_labels", &reason),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(program("demo"));
    demo.args(["--once", "--kubernetes"]).env("TMPDIR", folder.path()).env("HOME", "/nonexistent");
    let output = demo.env("KUBEBUILDER_ASSETS", programs.folder()).stdin(Stdio::null()).output().unwrap();
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    for line in ["$ coordctl apply --yes", "coordctl label adopt k3s-w1 role", "k3s-cp3   Ready"] {
        assert!(shown.contains(line), "{line:?} is not in {shown}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something stayed in the temporary folder");
}
