//! The borders between crates: who may depend on whom, and what stays where.

use super::{
    none,
    tree::{File, files, read},
};

/// Crates that can neither read a clock nor a file nor a socket.
const PURE: [&str; 2] = ["proto/model/", "coordinator/planner/"];

/// The names in `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = read(manifest);
    let table = text.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
    let rows = table.take_while(|line| !line.starts_with('[')).filter(|line| line.contains('='));
    rows.map(|row| row.split(['=', '.', ' ']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn pure_crates_depend_on_words_only() {
    assert_eq!(dependencies("proto/model/Cargo.toml"), ["serde"]);
    // serde prints what is declared, regex-automata is for `matches`; neither needs std.
    assert_eq!(dependencies("coordinator/planner/Cargo.toml"), ["coord-model", "regex-automata", "serde"]);
}

#[test]
fn no_crate_reaches_across_its_border() {
    let forbidden: [(&str, &[&str]); 4] = [
        ("agent", &["kube", "axum", "rusqlite", "bollard", "coordinator", "coord-planner", "rcgen"]),
        ("coordctl", &["kube", "axum", "rusqlite", "coordinator", "coord-planner", "coord-agent"]),
        ("coordinator", &["coord-agent", "coordctl", "bollard"]),
        ("proto", &["coordinator", "coord-planner", "coord-agent", "coordctl", "rusqlite", "axum"]),
    ];
    let mut breaches = Vec::new();
    for (folder, names) in forbidden {
        let manifest = format!("{folder}/Cargo.toml");
        let found = dependencies(&manifest).into_iter().filter(|name| names.contains(&name.as_str()));
        breaches.extend(found.map(|name| format!("{manifest}: {name}")));
    }
    none("dependencies across a border", &breaches);
}

#[test]
fn every_crate_keeps_the_lints() {
    let members = files("toml").into_iter().filter(|file| file.path.ends_with("/Cargo.toml"));
    let bare = members.filter(|file| !file.text.contains("[lints]\nworkspace = true"));
    none("without the lint table", &bare.map(|file| file.path).collect::<Vec<_>>());
}

#[test]
fn pure_crates_have_no_std() {
    for folder in PURE {
        let head = read(&format!("{folder}src/lib.rs"));
        assert!(head.lines().any(|line| line == "#![no_std]"), "{folder}src/lib.rs is not #![no_std]");
    }
    let source = |path: &str| PURE.iter().any(|folder| path.starts_with(&format!("{folder}src/")));
    let worldly = ["std::", "extern crate std", "tokio", "HashMap", "SystemTime", "Instant::now"];
    none(
        "a pure crate reaches into the world",
        &shipped(source, |line| worldly.iter().any(|word| line.contains(word)) && !line.contains("#![no_std]")),
    );
}

#[test]
fn one_tls_provider_and_no_openssl() {
    let lock = read("Cargo.lock");
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    // It finds the folders of the system's certificates, and has nothing of OpenSSL in it.
    let only_paths = "openssl-probe";
    let others = ["aws-lc", "openssl", "native-tls"];
    let wrong = |name: &&str| *name != only_paths && others.iter().any(|start| name.starts_with(start));
    none("in Cargo.lock", &names.filter(wrong).map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn generated_types_stay_in_proto() {
    let lib = read("proto/src/lib.rs");
    assert!(!lib.contains("pub mod wire"), "proto/src/lib.rs lets generated types out");
    // A test may send bytes that no correct program would.
    let outside = |path: &str| !path.starts_with("proto/") && !path.starts_with("tests/");
    none(
        "generated types outside proto",
        &shipped(outside, |line| {
            line.contains("coord_proto::wire") || line.contains("prost::") || line.contains("include_proto")
        }),
    );
}

#[test]
fn kube_types_stay_in_one_folder() {
    let names = files("toml").into_iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let with = names.filter(|file| file.text.lines().any(|line| line.starts_with("kube") || line.starts_with("k8s-")));
    let crates: Vec<String> = with.map(|file| file.path).collect();
    assert_eq!(crates, ["Cargo.toml", "coordinator/Cargo.toml"], "kube in another crate");
    let outside = |path: &str| !path.starts_with("coordinator/src/kubernetes") && !path.starts_with("tests/");
    let kube = |line: &str| line.contains("kube::") && !line.contains("kubernetes::") || line.contains("k8s_openapi");
    none("kube types outside coordinator/src/kubernetes", &shipped(outside, kube));
}

/// Where text for people is written: `show` makes it, and these write it.
const WRITERS: [&str; 12] = [
    "agent/src/show.rs",
    "agent/src/show/",
    // What a child hands to its parent, `--help`, and the prompt of join.
    "agent/src/lib.rs",
    "agent/src/join.rs",
    "coordctl/src/show/",
    "coordctl/src/output.rs",
    // A prompt.
    "coordctl/src/command/ask.rs",
    // Three sentences after backup and restore, and failures.
    "coordinator/src/command.rs",
    "coordinator/src/main.rs",
    // What cargo reads.
    "proto/build.rs",
    "tests/",
    "coordctl/tests/",
];

#[test]
fn text_for_people_is_written_in_one_place() {
    let elsewhere = |path: &str| !WRITERS.iter().any(|writer| path.starts_with(writer));
    let marks = ["println!", "print!", "eprintln!", "eprint!", "stdout()", "stderr()"];
    none("text for people outside show", &shipped(elsewhere, |line| marks.iter().any(|mark| line.contains(mark))));
}

#[test]
fn unsafe_code_is_in_one_file_a_program() {
    let elsewhere = |path: &str| !path.ends_with("kernel_call.rs") && !path.starts_with("tests/tests/tidy/");
    none(
        "unsafe outside kernel_call.rs",
        &shipped(elsewhere, |line| {
            line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("allow(unsafe_code")
        }),
    );
}

/// `PATH:LINE` of such lines of such files that ship.
fn shipped(file: impl Fn(&str) -> bool, like: impl Fn(&str) -> bool) -> Vec<String> {
    let chosen: Vec<File> = files("rs").into_iter().filter(|found| file(&found.path)).collect();
    let hits = chosen.iter().flat_map(|found| {
        let code = found.shipped_lines().filter(|(_, line)| !line.trim_start().starts_with("//"));
        code.filter(|(_, line)| like(line)).map(|(number, _)| format!("{}:{number}", found.path)).collect::<Vec<_>>()
    });
    hits.collect()
}
