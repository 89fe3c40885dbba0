//! All probes against recorded hosts whose files are broken one after the other.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use coord_model::{Facts, Section};

use super::*;

fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hosts")
}

/// Copies a folder, links as links; gives back the files.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else if kind.is_dir() {
            copy(&from, &to, files);
        } else {
            fs::copy(&from, &to).unwrap();
            files.push(to);
        }
    }
}

fn all(folder: &Path) -> Vec<AnySection> {
    let host = Host::recorded(folder).unwrap();
    SectionKind::ALL.iter().filter_map(|kind| probe(&host, *kind, &mut Briefing::default())).collect()
}

/// Values that are neither known nor explained.
fn unexplained(section: &AnySection) -> Vec<String> {
    fn of<T: Facts>(section: &Section<T>) -> Vec<String> {
        section.facts.as_ref().map(Facts::unexplained).unwrap_or_default()
    }
    match section {
        AnySection::Agent(section) => of(section),
        AnySection::Platform(section) => of(section),
        AnySection::System(section) => of(section),
        AnySection::Gpu(section) => of(section),
        AnySection::Disk(section) => of(section),
        AnySection::Mounts(section) => of(section),
        AnySection::K3s(section) => of(section),
        AnySection::Docker(section) => of(section),
        AnySection::Network(section) => of(section),
        AnySection::Usb(section) => of(section),
        AnySection::Unraid(section) => of(section),
    }
}

#[test]
fn a_broken_file_never_panics_and_leaves_nothing_unexplained() {
    for name in ["k3s-w3", "k3s-cp3", "unraid"] {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        copy(&hosts().join(name), folder.path(), &mut files);
        files.retain(|file| file.starts_with(folder.path().join("root")));
        assert!(files.len() > 30, "{name} has {} files only", files.len());
        for file in files {
            let good = fs::read(&file).unwrap();
            let broken = [Vec::new(), good[..good.len() / 2].to_vec(), b"\xff\xfe\x00 \xff".to_vec()];
            for content in broken.iter().map(Some).chain([None]) {
                match content {
                    Some(content) => fs::write(&file, content).unwrap(),
                    None => fs::remove_file(&file).unwrap(),
                }
                let sections = all(folder.path());
                assert_eq!(sections.len(), SectionKind::ALL.len());
                for section in sections {
                    assert_eq!(unexplained(&section), Vec::<String>::new(), "{}: {}", section.kind(), file.display());
                }
            }
            fs::write(&file, &good).unwrap();
        }
    }
}

#[test]
fn a_host_without_any_file_is_no_reason_to_panic() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("root")).unwrap();
    fs::write(folder.path().join("answers.json"), r#"{"schema": 1}"#).unwrap();
    let sections = all(folder.path());
    assert_eq!(sections.len(), SectionKind::ALL.len());
    let failed =
        |kind: SectionKind| sections.iter().any(|section| section.kind() == kind && section.failure().is_some());
    assert!(failed(SectionKind::Mounts) && failed(SectionKind::Disk) && !failed(SectionKind::System));
}
