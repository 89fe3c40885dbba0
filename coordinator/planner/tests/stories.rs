//! The planner's stories: `tests/stories/*.story` is told, and must read as `*.told` does.
//!
//! `UPDATE=1 cargo test -p coord-planner --test stories` writes what is told; read the difference before you keep it.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::{fs, path::PathBuf};

#[path = "world/cluster.rs"]
mod cluster;
#[path = "world/home.rs"]
mod home;
#[path = "world/story.rs"]
mod story;

/// What a person reads in one sitting.
const LONGEST: usize = 150;

#[test]
fn every_story_is_told_as_it_stands() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut scripts: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|end| end == "story"));
    scripts.sort();
    assert!(scripts.len() >= 14, "stories are missing");
    let differing: Vec<String> = scripts.iter().filter_map(difference).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn difference(script: &PathBuf) -> Option<String> {
    let told = story::tell(&fs::read_to_string(script).unwrap());
    let golden = script.with_extension("told");
    assert!(told.lines().count() < LONGEST, "{} is too long to be read", golden.display());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&golden, told).unwrap();
        return None;
    }
    let before = fs::read_to_string(&golden).unwrap_or_default();
    (before != told).then(|| format!("{} is told otherwise now:\n{told}", script.display()))
}
