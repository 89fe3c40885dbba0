//! Who may use a node, from what was asked and answered.

use super::*;

fn place(mode: u32, group: u32) -> Place {
    let node =
        Node { kind: "char".to_string(), mode, user: 0, group, major: 226, minor: 128, size: 0, age_seconds: 0.0 };
    Place { path: "/dev/dri/renderD128".to_string(), node, drm: true }
}

fn helper(root: Option<&str>, group: Option<&str>, unmapped: bool) -> Verdict {
    let access = |errno: Option<&str>| Answer::Value(Access { errno: errno.map(str::to_string) });
    by_helper(
        &place(0o660, 104),
        &HelperGpu { as_root: access(root), as_group: access(group), open: None, codecs: None },
        unmapped,
    )
}

#[test]
fn the_helper_knows_every_reason() {
    for (root, group, unmapped, reason) in [
        (None, None, false, None),
        (Some("EPERM"), Some("EPERM"), false, Some(GpuReason::DeviceCgroup)),
        (None, Some("EACCES"), false, Some(GpuReason::Permission)),
        (None, Some("EACCES"), true, Some(GpuReason::GroupUnmapped)),
        (None, None, true, Some(GpuReason::GroupUnmapped)),
        (Some("ENXIO"), Some("ENXIO"), false, Some(GpuReason::NoDriver)),
    ] {
        let verdict = helper(root, group, unmapped);
        assert_eq!(verdict.reason.clone().ok(), reason, "{root:?} {group:?}");
        assert_eq!(verdict.by_root, Ok(root.is_none()));
        assert_eq!(verdict.by_group, Ok(group.is_none() && !unmapped));
        assert_eq!(verdict.detail.is_ok(), reason.is_some());
    }
}

#[test]
fn a_node_with_nothing_behind_it_shows_when_it_is_opened() {
    let access = |errno: Option<&str>| Answer::Value(Access { errno: errno.map(str::to_string) });
    let answers = |open| HelperGpu { as_root: access(None), as_group: access(None), open: Some(open), codecs: None };
    let dead = by_helper(&place(0o660, 104), &answers(access(Some("ENXIO"))), false);
    assert_eq!((dead.by_root, dead.reason), (Ok(false), Ok(GpuReason::NoDriver)));
    let busy = by_helper(&place(0o660, 104), &answers(access(Some("EBUSY"))), false);
    assert_eq!((busy.by_root, busy.by_group), (Ok(true), Ok(true)));
}

#[test]
fn an_attempt_that_failed_is_no_verdict() {
    let late = Answer::Unknown { unknown: Unknown::new(ValueState::Timeout, "no answer in 1 s") };
    let answers =
        HelperGpu { as_root: Answer::Value(Access { errno: None }), as_group: late, open: None, codecs: None };
    let verdict = by_helper(&place(0o660, 104), &answers, false);
    assert_eq!(verdict.by_root.unwrap_err().state, ValueState::Timeout);
    assert!(verdict.reason.is_err());
}

#[test]
fn an_ordinary_user_never_guesses() {
    let group = Ok("render".to_string());
    let refused = by_user(&place(0o660, 104), "coord-agent", Some("EACCES"), &group);
    let why = refused.by_root.unwrap_err();
    assert_eq!(why.state, ValueState::Denied);
    assert!(why.message.contains("usermod -aG render coord-agent"), "{}", why.message);
    assert!(refused.by_group.is_err() && refused.reason.is_err());
}

#[test]
fn what_an_ordinary_user_can_prove_counts() {
    let group = Ok("render".to_string());
    let usable = by_user(&place(0o660, 104), "coord-agent", None, &group);
    assert_eq!((usable.by_root, usable.by_group), (Ok(true), Ok(true)));
    let cgroup = by_user(&place(0o660, 104), "coord-agent", Some("EPERM"), &group);
    assert_eq!((cgroup.by_root, cgroup.reason), (Ok(false), Ok(GpuReason::DeviceCgroup)));
}

#[test]
fn the_deepest_mount_decides_about_nodev() {
    let rows = table::parse(
        "1 0 8:1 / / rw,nodev - ext4 /dev/sda1 rw\n2 1 0:6 / /dev rw - devtmpfs udev rw\n\
         3 2 0:7 / /dev/dri rw,nodev - tmpfs none rw",
    );
    assert!(nodev(&rows, "/dev/dri/renderD128"));
    assert!(!nodev(&rows[..2], "/dev/dri/renderD128"));
    assert!(nodev(&rows[..1], "/dev/dri/renderD128"));
    assert!(!nodev(&[], "/dev/dri/renderD128"));
}
