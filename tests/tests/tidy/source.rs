//! What every source file keeps: a head, a size, whole names, and nothing left for later.

use super::{
    none,
    tree::{File, files},
};

/// Lines in a file, tests included.
const LONGEST_FILE: usize = 400;
/// Lines in a function, the flat arms of a `match` not counted.
const LONGEST_FUNCTION: usize = 70;

/// Names that say nothing about what is in a file. `context` is a verb of coordctl, and `coord-helper` a program.
const SHAPELESS: [&str; 12] =
    ["mod", "util", "utils", "helper", "helpers", "manager", "handler", "service", "common", "misc", "context", "impl"];

#[test]
fn every_file_begins_with_its_one_idea() {
    let bare = files("rs").into_iter().filter(|file| !file.text.starts_with("//! "));
    none("these files do not begin with a //! head", &bare.map(|file| file.path).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long() {
    let long = files("rs").into_iter().map(|file| (file.text.lines().count(), file.path));
    let breaches = long.filter(|(lines, _)| *lines > LONGEST_FILE).map(|(lines, path)| format!("{path}: {lines}"));
    none(&format!("files above {LONGEST_FILE} lines"), &breaches.collect::<Vec<_>>());
}

#[test]
fn no_function_is_too_long() {
    let breaches: Vec<String> = files("rs").iter().flat_map(long_functions).collect();
    none(&format!("functions above {LONGEST_FUNCTION} lines"), &breaches);
}

fn long_functions(file: &File) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| begins_function(line));
    let lengths = starts.map(|(start, line)| {
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let body = lines[start..].iter().take_while(|line| **line != end);
        (start + 1, body.filter(|line| !line.contains("=> ")).count())
    });
    let long = lengths.filter(|(_, length)| *length > LONGEST_FUNCTION);
    long.map(|(line, length)| format!("{}:{line}: {length}", file.path)).collect()
}

/// Whether a function with a body of its own lines begins here.
fn begins_function(line: &str) -> bool {
    let words = line.trim_start().split(' ').take_while(|word| *word != "fn");
    let only_words = words
        .clone()
        .all(|word| word.starts_with("pub") || ["const", "async", "unsafe", "super)", "extern", "in"].contains(&word));
    line.contains("fn ") && words.count() < line.trim_start().split(' ').count() && only_words && !line.ends_with('}')
}

#[test]
fn names_say_what_is_in_a_file() {
    let shapeless = |path: &String| {
        let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
        let named = ["coordctl/src/command/context.rs", "agent/src/helper.rs"];
        SHAPELESS.contains(&stem) && !named.contains(&path.as_str())
    };
    none("shapeless file names", &files("rs").into_iter().map(|file| file.path).filter(shapeless).collect::<Vec<_>>());
}

#[test]
fn types_have_names_of_this_world() {
    let shapeless = ["Manager", "Helper", "Util", "Handler", "Service", "Context", "Impl"];
    let declares = |line: &str| {
        let declaration = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        let name = ["struct ", "enum ", "trait "].iter().find_map(|kind| declaration.strip_prefix(kind));
        let name = name.map(|rest| rest.chars().take_while(|letter| letter.is_alphanumeric()).collect::<String>());
        name.is_some_and(|name| shapeless.iter().any(|end| name.ends_with(end)))
    };
    none("shapeless type names", &lines_that(declares));
}

#[test]
fn nothing_is_left_for_later() {
    // Written in halves, so that this file does not find itself.
    let marks = [
        concat!("todo", "!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("dbg", "!("),
        concat!("#[ig", "nore"),
    ];
    none("left for later", &lines_that(|line| marks.iter().any(|mark| line.contains(mark))));
}

#[test]
fn no_test_sleeps() {
    let sleeps = concat!("thread::sl", "eep(");
    let waits = concat!("time::sl", "eep(");
    let tests = files("rs").into_iter().filter(File::is_test);
    // A benchmark measures over a stated time, and a peer of the laboratory keeps its own pace.
    let tests = tests.filter(|file| !file.path.starts_with("tests/src/"));
    let breaches = tests.flat_map(|file| {
        let hits = file.lines().filter(|(_, line)| line.contains(sleeps) || line.contains(waits));
        hits.map(|(number, _)| format!("{}:{number}", file.path)).collect::<Vec<_>>()
    });
    none("wait for a condition instead", &breaches.collect::<Vec<_>>());
}

/// `PATH:LINE` of every line like that.
fn lines_that(like: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files("rs") {
        found.extend(file.lines().filter(|(_, line)| like(line)).map(|(number, _)| format!("{}:{number}", file.path)));
    }
    found
}

#[test]
fn the_measure_of_functions_measures() {
    let body = "    let x = 1;\n".repeat(80);
    let file =
        File { path: "x.rs".into(), text: format!("pub(crate) async fn long() {{\n{body}}}\n\nfn short() {{}}\n") };
    assert_eq!(long_functions(&file), ["x.rs:1: 81"]);
    let arms = "        1 => 2,\n".repeat(80);
    let file = File { path: "x.rs".into(), text: format!("fn flat() {{\n    match 1 {{\n{arms}    }}\n}}\n") };
    assert!(long_functions(&file).is_empty());
}
