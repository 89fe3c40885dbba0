//! Where the files of a recorded host come from: every file and link has a source, and no pattern is left over.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use super::{HOSTS, tests_folder};

/// `origin.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    origin: String,
    about: String,
    answers: String,
    files: BTreeMap<String, String>,
}

/// Every file and link below `folder`, as paths inside the recorded host.
fn files(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            files(root, &path, found);
        } else {
            found.push(format!("/{}", path.strip_prefix(root).unwrap().display()));
        }
    }
}

/// Whether `path` fits `pattern`: `*` is any text, `{a,b}` one of several.
fn fits(pattern: &str, path: &str) -> bool {
    if let Some((before, rest)) = pattern.split_once('{') {
        let (choices, after) = rest.split_once('}').expect("a brace is closed");
        return choices.split(',').any(|choice| fits(&format!("{before}{choice}{after}"), path));
    }
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(index, _)| index).chain([rest.len()]);
            ends.into_iter().any(|index| fits(after, &rest[index..]))
        }),
    }
}

#[test]
fn every_file_has_a_source_and_every_source_a_file() {
    for (host, _) in HOSTS {
        let folder = tests_folder().join("hosts").join(host);
        let text = fs::read_to_string(folder.join("origin.yaml")).unwrap();
        let origin: Origin = serde_saphyr::from_str(&text).unwrap();
        assert!(["constructed", "recorded"].contains(&origin.origin.as_str()), "{host}: {}", origin.origin);
        assert!(!origin.about.is_empty() && !origin.answers.is_empty(), "{host}");
        let mut paths = Vec::new();
        files(&folder.join("root"), &folder.join("root"), &mut paths);
        for path in &paths {
            assert!(origin.files.keys().any(|pattern| fits(pattern, path)), "{host}: no source for {path}");
        }
        for (pattern, source) in &origin.files {
            assert!(paths.iter().any(|path| fits(pattern, path)), "{host}: no file for {pattern}");
            assert!(!source.is_empty(), "{host}: {pattern}");
        }
    }
}

#[test]
fn patterns_fit_what_they_say() {
    assert!(fits("/sys/{block,dev/block}/*", "/sys/dev/block/8:0"));
    assert!(fits("/proc/*/{comm,stat}", "/proc/812/stat"));
    assert!(!fits("/proc/*/comm", "/proc/812/commx"));
    assert!(!fits("/etc/hostname", "/etc/hostname2"));
}
