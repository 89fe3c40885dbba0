//! Disks that fail, fill and wear, and whom it hurts.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::super::diagnose;
use crate::{
    Code, Report, Section, Severity,
    section::{BlockDevice, Disk, Filesystem, K3s, K3sRole},
};

fn filesystem() -> Filesystem {
    Filesystem {
        path: Some("/".to_string()),
        kind: Some("ext4".to_string()),
        size_bytes: Some(60 << 30),
        available_bytes: Some(40 << 30),
        errors: Some(0),
        roles: Some(vec!["/".to_string(), "/var/lib/rancher".to_string()]),
        ..Filesystem::default()
    }
}

fn found(filesystem: Option<Filesystem>, device: Option<BlockDevice>, k3s: K3s) -> Vec<(Code, Severity, String)> {
    let disk = Disk {
        filesystems: Some(filesystem.into_iter().collect()),
        devices: Some(device.into_iter().collect()),
        ..Disk::default()
    };
    let report = Report { disk: Some(Section::read("", disk)), k3s: Some(Section::read("", k3s)), ..Report::default() };
    diagnose(&report).into_iter().map(|problem| (problem.code, problem.severity, problem.message)).collect()
}

fn codes(filesystem: Option<Filesystem>, device: Option<BlockDevice>) -> Vec<(Code, Severity)> {
    found(filesystem, device, K3s::default()).into_iter().map(|(code, severity, _)| (code, severity)).collect()
}

#[test]
fn pressure_on_the_disk_of_a_voter_is_an_error() {
    let full = || Filesystem { available_bytes: Some(4 << 30), ..filesystem() };
    assert_eq!(codes(Some(full()), None), [(Code::DiskSpaceLow, Severity::Warning)]);
    let voter = K3s { role: Some(K3sRole::Server), datastore: Some("etcd".to_string()), ..K3s::default() };
    let of_voter = found(Some(full()), None, voter);
    assert_eq!((of_voter[0].0, of_voter[0].1), (Code::DiskSpaceLow, Severity::Error));
    assert!(of_voter[0].2.ends_with("etcd's vote depends on it"), "{}", of_voter[0].2);
    let sqlite = K3s { role: Some(K3sRole::Server), datastore: Some("sqlite".to_string()), ..K3s::default() };
    assert_eq!(found(Some(full()), None, sqlite)[0].1, Severity::Warning);
}

#[test]
fn counted_errors_are_worse_below_k3s() {
    let broken = Filesystem { errors: Some(3), ..filesystem() };
    assert_eq!(codes(Some(broken.clone()), None), [(Code::FilesystemErrors, Severity::Error)]);
    let elsewhere = Filesystem { roles: Some(Vec::new()), ..broken };
    assert_eq!(codes(Some(elsewhere), None), [(Code::FilesystemErrors, Severity::Warning)]);
    assert_eq!(codes(Some(Filesystem { errors: None, ..filesystem() }), None), []);
}

#[test]
fn a_verdict_is_as_bad_as_it_says() {
    let disk = |verdict: &str| BlockDevice { smart: Some(verdict.to_string()), ..BlockDevice::default() };
    assert_eq!(codes(None, Some(disk("passed"))), []);
    assert_eq!(codes(None, Some(disk("warning: 8 unreadable sectors"))), [(Code::SmartFailing, Severity::Warning)]);
    assert_eq!(codes(None, Some(disk("failing: x"))), [(Code::SmartFailing, Severity::Error)]);
}

#[test]
fn a_degraded_array_is_an_error_and_an_unknown_one_nothing() {
    let array = |degraded| BlockDevice { name: Some("md0".to_string()), degraded, ..BlockDevice::default() };
    assert_eq!(codes(None, Some(array(Some(true)))), [(Code::ArrayDegraded, Severity::Error)]);
    assert_eq!(codes(None, Some(array(None))), []);
    let driver = BlockDevice { io_errors: Some(40), kernel_errors: Some(0), ..BlockDevice::default() };
    assert_eq!(codes(None, Some(driver)), []);
}
