//! `coordctl support-bundle`: everything that a bug report needs in one file, with nothing that names a home.

use std::{fs::OpenOptions, io::Write, path::Path};

use coord_model::{API_VERSION, List, NodeStatus, ViewKind};
use serde_json::{Map, Value, json};

use crate::{
    answer,
    arguments::SupportBundle,
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    redaction::redact,
};

/// The views that are asked for once.
const VIEWS: [ViewKind; 10] = [
    ViewKind::Status,
    ViewKind::Nodes,
    ViewKind::Check,
    ViewKind::Gpus,
    ViewKind::Disks,
    ViewKind::Mounts,
    ViewKind::Plan,
    ViewKind::Labels,
    ViewKind::Tokens,
    ViewKind::Events,
];

/// Writes it. A view that does not come is replaced by the reason: a bundle is made when something is broken.
///
/// # Errors
/// When the file cannot be written.
pub(super) async fn run(
    arguments: &SupportBundle,
    coordinator: &Coordinator,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    let mut views = Map::new();
    for view in VIEWS {
        views.insert(view.to_string(), document(coordinator, view, "", output, &mut exit).await);
    }
    let mut details = Vec::new();
    for name in names(views.get("nodes")) {
        details.push(document(coordinator, ViewKind::Node, &name, output, &mut exit).await);
    }
    views.insert("details".into(), Value::Array(details));
    let mut bundle = json!({
        "apiVersion": API_VERSION,
        "kind": "SupportBundle",
        "coordctl": {"version": env!("CARGO_PKG_VERSION"), "system": std::env::consts::OS},
        "views": views,
    });
    redact(&mut bundle);
    let text =
        serde_json::to_string_pretty(&bundle).map_err(|error| Failure::new("cannot write it").because(&error))?;
    if arguments.file == Path::new("-") {
        output.data(&(text + "\n"))?;
        return Ok(exit);
    }
    write(&arguments.file, &text)?;
    let file = arguments.file.display();
    output.talk(&format!("wrote {file}; addresses, names and ids are replaced, read it before you send it\n"));
    Ok(exit)
}

async fn document(coordinator: &Coordinator, view: ViewKind, name: &str, output: &Output, exit: &mut Exit) -> Value {
    match answer::read(coordinator, view, name, output).await {
        Ok(answer) => {
            if answer.stale.is_some() {
                *exit = Exit::Away;
            }
            answer.value
        }
        Err(failure) => {
            *exit = failure.exit;
            json!({"failure": failure.what, "causes": failure.causes})
        }
    }
}

fn names(nodes: Option<&Value>) -> Vec<String> {
    let list: Option<List<NodeStatus>> = nodes.and_then(|nodes| serde_json::from_value(nodes.clone()).ok());
    list.map(|list| list.items.into_iter().map(|node| node.name).collect()).unwrap_or_default()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::new(format_args!("cannot write {}", path.display())).because(&error);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(cannot)
}
