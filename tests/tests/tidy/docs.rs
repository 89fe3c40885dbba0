//! Docs name files that are there, codes are explained, and no text knows where it was built.

use std::collections::BTreeMap;

use coord_model::Code;

use super::{
    none,
    tree::{File, files, top},
};

/// What a word in backquotes must end with to be taken for a file of this project.
const ENDS: [&str; 7] = [".rs", ".md", ".toml", ".proto", ".txt", ".snap", "/"];

#[test]
fn docs_name_real_files() {
    let breaches = files("md").into_iter().flat_map(|file| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let missing = named(&file).into_iter().filter(|name| {
            let near = top().join(&folder).join(name);
            !top().join(name).exists() && !near.exists()
        });
        missing.map(|name| format!("{}: {name}", file.path)).collect::<Vec<_>>()
    });
    none("docs name what is not there", &breaches.collect::<Vec<_>>());
}

#[test]
fn the_code_map_knows_every_folder() {
    let map = std::fs::read_to_string(top().join("docs/ARCHITECTURE.md")).unwrap();
    let shipped =
        files("rs").into_iter().filter(|file| !file.path.starts_with("tests/") && file.path.contains("/src/"));
    // What lies deeper belongs to its folder.
    let folder = |file: File| {
        let (before, after) = file.path.split_once("/src/")?;
        Some(format!("{before}/src/{}/", after.split_once('/')?.0))
    };
    let mut folders: Vec<String> = shipped.filter_map(folder).collect();
    folders.sort();
    folders.dedup();
    folders.retain(|folder| !map.contains(folder.as_str()));
    none("folders that docs/ARCHITECTURE.md does not know", &folders);
}

/// Paths in backquotes and the targets of links, without places on a machine and words that stand for others.
fn named(file: &File) -> Vec<String> {
    let quoted = file.text.split('`').skip(1).step_by(2);
    let quoted =
        quoted.filter(|word| ENDS.iter().any(|end| word.ends_with(end)) && word.trim_end_matches('/').contains('/'));
    let links = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
    let stand_in = |name: &&str| {
        name.starts_with(['/', '~', '$']) || name.contains([' ', '\n', '*', '{', '<', ':']) || name.contains("NAME")
    };
    quoted.chain(links).filter(|name| !stand_in(name)).map(str::to_owned).collect()
}

#[test]
fn every_code_is_explained_and_has_a_number_of_its_own() {
    let mut numbers = BTreeMap::new();
    for code in Code::ALL {
        let text = code.as_str();
        let explanation = code.explain();
        assert!(explanation.meaning.len() > 20, "{text} has no meaning");
        assert!(explanation.remedy.len() > 5, "{text} has no remedy");
        let kebab = text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        assert!(kebab, "{text} is not kebab-case");
        if let Some(other) = numbers.insert(code.number(), text) {
            panic!("{text} and {other} have the same number");
        }
        assert_eq!(Code::parse(text), Some(*code), "{text} cannot be read back");
    }
}

#[test]
fn no_text_knows_where_it_was_built() {
    let own = top().to_string_lossy().into_owned();
    let registry = concat!(".cargo/", "registry");
    let mut breaches = Vec::new();
    for file in ["rs", "md", "toml", "yaml", "proto", "snap", "txt"].into_iter().flat_map(files) {
        let known = |line: &str| line.contains(&own) || line.contains(registry);
        let hits = file.lines().filter(|(_, line)| known(line));
        breaches.extend(hits.map(|(number, _)| format!("{}:{number}", file.path)));
    }
    none("paths of the machine that built it", &breaches);
}

#[test]
fn the_search_for_names_finds_them() {
    let text = "see `docs/AGENT.md`, [tests](docs/TESTING.md), `/etc/coord/agent.yaml`, `agent/src/probe/NAME.rs`";
    let file = File { path: "README.md".into(), text: text.to_owned() };
    assert_eq!(named(&file), ["docs/AGENT.md", "docs/TESTING.md"]);
}
