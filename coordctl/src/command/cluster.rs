//! `coordctl cluster`: the file is checked here, with the code that the coordinator uses.

mod apply;

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use coord_cluster::{LARGEST, Mistake, Weight};
use coord_model::{API_VERSION, ViewKind};
use serde_json::{Value, json};

use crate::{
    answer,
    arguments::{Cluster, Format},
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    place::Place,
    show,
};

/// Carries out one of them.
///
/// # Errors
/// When the file cannot be read or has errors, or the coordinator does not answer.
pub(super) async fn run(arguments: &Cluster, place: Option<Place>, output: &Output) -> Result<Exit, Failure> {
    match arguments {
        Cluster::Validate(arguments) => validate(&arguments.file, output),
        Cluster::Schema => {
            let schema = coord_cluster::schema();
            output.document(&schema, |_| show::cluster::json(&schema))?;
            Ok(Exit::Fine)
        }
        Cluster::Apply(arguments) => apply::run(arguments, &Coordinator::find(place)?, output).await,
        Cluster::Show => in_force(&Coordinator::find(place)?, output).await,
    }
}

/// Every mistake of one file; the command fails only for errors.
fn validate(file: &Path, output: &Output) -> Result<Exit, Failure> {
    let text = read(file)?;
    let found = coord_cluster::read(&text).mistakes;
    mistakes(file, &text, &found, output)
}

/// Shows them; the command fails only for errors.
fn mistakes(file: &Path, text: &str, mistakes: &[Mistake], output: &Output) -> Result<Exit, Failure> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let valid = mistakes.iter().all(|mistake| mistake.weight != Weight::Error);
    let document = json!({
        "apiVersion": API_VERSION, "kind": "ClusterFileCheck", "valid": valid,
        "mistakes": mistakes.iter().map(value).collect::<Vec<_>>(),
    });
    output.document(&document, |look| show::cluster::mistakes(&name, text, mistakes, look))?;
    Ok(if valid { Exit::Fine } else { Exit::Failed })
}

fn value(mistake: &Mistake) -> Value {
    let severity = match mistake.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
    };
    let place = mistake.place;
    json!({
        "severity": severity, "line": place.line, "column": place.column,
        "message": mistake.message, "hint": mistake.hint,
    })
}

/// The file, or standard input; a little more than may be, so that too much is noticed.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let limit = LARGEST as u64 + 1;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(limit).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|file| file.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::new(format_args!("cannot read {}", file.display())).because(&error))?;
    Ok(text)
}

/// What the coordinator has in force, as YAML unless JSON is wanted.
async fn in_force(coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let document: Value = answer::read(coordinator, ViewKind::Cluster, "", output).await?.value;
    match output.format()? {
        Format::Json => output.document(&document, |_| String::new())?,
        Format::Table | Format::Wide | Format::Yaml => {
            let text = serde_saphyr::to_string(&document);
            output.data(&text.map_err(|error| Failure::new("cannot write the answer").because(&error))?)?;
        }
    }
    Ok(Exit::Fine)
}
