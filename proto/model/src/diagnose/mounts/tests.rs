//! Problems of mounts, by example, with the words that people read.

use alloc::{vec, vec::Vec};

use super::*;
use crate::{
    Section,
    section::{Etcd, Mounts},
};

fn nfs(state: MountState) -> Mount {
    Mount {
        device_number: Some("0:61".into()),
        kind: Some("nfs4".into()),
        source: Some("192.168.1.29:/mnt/user/media".into()),
        options: Some(
            "rw,vers=4.2,rsize=1048576,namlen=255,hard,proto=tcp,timeo=600,clientaddr=192.168.1.12,addr=192.168.1.29"
                .into(),
        ),
        paths: Some(vec!["/data/media".into()]),
        read_only: Some(true),
        hard: Some(true),
        state: Some(state),
        ..Mount::default()
    }
}

fn problems(mounts: Vec<Mount>, k3s: Option<K3s>) -> Vec<Problem> {
    let facts = Mounts { mounts: Some(mounts), ..Mounts::default() };
    let report = Report {
        mounts: Some(Section::read("", facts)),
        k3s: k3s.map(|facts| Section::read("", facts)),
        ..Report::default()
    };
    let mut problems = Vec::new();
    super::mounts(&report, &mut problems);
    problems
}

fn codes(mounts: Vec<Mount>, k3s: Option<K3s>) -> Vec<Code> {
    problems(mounts, k3s).into_iter().map(|problem| problem.code).collect()
}

#[test]
fn a_stale_mount_shows_the_line_that_mounts_it_again() {
    let problem = problems(vec![nfs(MountState::Stale)], None).remove(0);
    assert_eq!(problem.code, Code::MountStale);
    assert_eq!(
        problem.hint.as_deref(),
        Some(
            "umount -l /data/media && mount -t nfs4 -o ro,vers=4.2,rsize=1048576,hard,proto=tcp,timeo=600 192.168.1.29:/mnt/user/media /data/media"
        )
    );
    let odd = Mount { paths: Some(vec!["/data/it's mine".into()]), ..nfs(MountState::Stale) };
    let hint = problems(vec![odd], None).remove(0).hint.unwrap_or_default();
    assert!(hint.starts_with("umount -l '/data/it'\\''s mine' && "), "{hint}");
}

#[test]
fn a_missing_mount_says_what_to_type() {
    let problem = problems(vec![nfs(MountState::Missing)], None).remove(0);
    assert_eq!((problem.code, problem.hint.as_deref()), (Code::MountMissing, Some("on the node: mount /data/media")));
}

#[test]
fn soft_is_a_risk_only_where_it_is_written() {
    let soft = |read_only| Mount { hard: Some(false), read_only: Some(read_only), ..nfs(MountState::Ok) };
    assert_eq!(codes(vec![soft(false)], None), [Code::MountSoftWritable]);
    assert_eq!(codes(vec![soft(true)], None), []);
    assert_eq!(codes(vec![Mount { read_only: Some(false), ..nfs(MountState::Ok) }], None), []);
    let unknown = Mount { hard: None, ..soft(false) };
    assert_eq!(codes(vec![unknown], None), []);
    let cifs = Mount { kind: Some("cifs".into()), ..soft(false) };
    assert_eq!(codes(vec![cifs], None), []);
}

#[test]
fn a_network_mount_on_a_node_with_a_vote_is_a_risk() {
    let server = |voter, datastore: &str| K3s {
        role: Some(K3sRole::Server),
        datastore: Some(datastore.into()),
        etcd: Some(Etcd { voter, ..Etcd::default() }),
        ..K3s::default()
    };
    let told = |k3s| codes(vec![nfs(MountState::Ok)], Some(k3s));
    assert_eq!(told(server(Some(true), "etcd")), [Code::NetworkMountOnServer]);
    assert_eq!(told(server(None, "etcd")), [Code::NetworkMountOnServer]);
    assert_eq!(told(server(Some(false), "etcd")), []);
    assert_eq!(told(server(None, "sqlite")), []);
    assert_eq!(told(K3s { role: Some(K3sRole::Agent), ..server(Some(true), "etcd") }), []);
    let fuse = Mount { kind: Some("fuse.shfs".into()), ..nfs(MountState::Ok) };
    assert_eq!(codes(vec![fuse], Some(server(Some(true), "etcd"))), []);
    let declared = Mount { device_number: None, ..nfs(MountState::Missing) };
    assert_eq!(codes(vec![declared], Some(server(Some(true), "etcd"))), [Code::MountMissing]);
}

#[test]
fn a_kubelet_that_waits_for_a_dead_mount_is_blocked_by_it() {
    let k3s = |threads, state| K3s { unit_state: Some(state), blocked_threads: threads, ..K3s::default() };
    let told = |state, k3s| codes(vec![nfs(MountState::Ok), nfs(state)], Some(k3s));
    for state in [MountState::ServerDown, MountState::ServiceDown, MountState::Stuck, MountState::Leaked] {
        assert!(told(state, k3s(Some(3), UnitState::Active)).contains(&Code::KubeletBlocked), "{state}");
    }
    for state in [MountState::Ok, MountState::Slow, MountState::Stale, MountState::Missing] {
        assert!(!told(state, k3s(Some(3), UnitState::Active)).contains(&Code::KubeletBlocked), "{state}");
    }
    assert!(!told(MountState::Stuck, k3s(Some(0), UnitState::Active)).contains(&Code::KubeletBlocked));
    assert!(!told(MountState::Stuck, k3s(None, UnitState::Active)).contains(&Code::KubeletBlocked));
    assert!(!told(MountState::Stuck, k3s(Some(3), UnitState::Inactive)).contains(&Code::KubeletBlocked));
    let all = problems(vec![nfs(MountState::Stuck)], Some(k3s(Some(3), UnitState::Active)));
    let blocked = all.iter().find(|problem| problem.code == Code::KubeletBlocked);
    let message = "the kubelet is blocked by mount /data/media: no pod of this node starts or ends";
    assert_eq!(blocked.map(|problem| problem.message.as_str()), Some(message));
}

#[test]
fn a_lost_sentinel_is_an_error_and_an_unknown_one_is_not() {
    let with = |sentinel| Mount { sentinel, ..nfs(MountState::Ok) };
    assert_eq!(codes(vec![with(Some(false))], None), [Code::MountSentinelMissing]);
    assert_eq!(codes(vec![with(Some(true)), with(None)], None), []);
}

#[test]
fn exports_of_user_space_file_systems_are_told_once() {
    let export =
        |path: &str, kind: &str| Export { path: Some(path.into()), kind: Some(kind.into()), ..Export::default() };
    let told = |exports: Vec<Export>| {
        let report = Report {
            mounts: Some(Section::read("", Mounts { exports: Some(exports), ..Mounts::default() })),
            ..Report::default()
        };
        let mut problems = Vec::new();
        mounts(&report, &mut problems);
        problems
    };
    let all = told(vec![
        export("/mnt/disk1", "xfs"),
        export("/mnt/user/a", "fuse.shfs"),
        export("/mnt/user/b", "fuse.shfs"),
        export("/mnt/user/c", "fuse.shfs"),
    ]);
    assert_eq!((all.len(), all[0].code, all[0].degrades()), (1, Code::FuseExported, false));
    assert!(all[0].message.starts_with("it exports /mnt/user/a and 2 more over NFS from fuse.shfs: "));
    assert!(told(vec![export("/mnt/disk1", "xfs")]).is_empty());
}
