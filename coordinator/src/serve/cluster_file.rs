//! Putting what a person declares in the place of what is in force, be that the cluster file or the cluster resource:
//! checked first, whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use coord_cluster::{Mistake, Weight};
use coord_model::{ApplyClusterFile, Done};
use coord_proto::refused::Refused;
use tonic::{Code, Status};

use crate::{config::ClusterSource, state::State};

/// A new file's mode where there was none: it holds no secrets.
const MODE: u32 = 0o644;

/// The most mistakes that a refusal tells.
const TOLD: usize = 5;

/// Checks the text, writes it, and puts it in force.
pub(super) async fn apply(state: &Arc<State>, wish: ApplyClusterFile, by: &str) -> Result<Done, Status> {
    let mistakes = coord_cluster::read(&wish.text).mistakes;
    let errors = told(&mistakes, Weight::Error);
    if !errors.is_empty() {
        return Err(Refused::new(format!("the cluster file has errors; nothing was changed: {}", errors.join("; ")))
            .hint("coordctl cluster validate FILE")
            .into_status(Code::InvalidArgument));
    }
    let warnings = match told(&mistakes, Weight::Warning).as_slice() {
        [] => String::new(),
        some => format!(", with warnings: {}", some.join("; ")),
    };
    match state.declared.source() {
        ClusterSource::File => file(state, wish.text, by, &warnings).await,
        ClusterSource::Resource => resource(state, &wish.text, by, &warnings).await,
    }
}

/// Writes the cluster resource; the watch brings it back.
async fn resource(state: &State, text: &str, by: &str, warnings: &str) -> Result<Done, Status> {
    let document: serde_json::Value = serde_saphyr::from_str(text)
        .map_err(|error| Status::internal(format!("a cluster file that was read cannot be read again: {error}")))?;
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    state.kubernetes.apply_resource(name, &document["spec"]).await.map_err(super::adopt::refused)?;
    state.event("cluster-file", &format!("cluster resource {name} written by {by}"));
    Ok(Done { message: format!("the cluster resource {name} is written{warnings}") })
}

/// Writes the cluster file and looks at it.
async fn file(state: &Arc<State>, text: String, by: &str, warnings: &str) -> Result<Done, Status> {
    let path = state.settings.cluster.clone();
    let place = path.display().to_string();
    let writing = Arc::clone(state);
    let noted = tokio::task::spawn_blocking(move || {
        replace(&path, text.as_bytes()).map_err(|error| cannot_write(&path, &error))?;
        Ok::<_, Status>(writing.declared.look())
    });
    let note = noted.await.map_err(|_| Status::internal("writing the cluster file broke off"))??;
    let same = note.is_none();
    state.event("cluster-file", &format!("written by {by}"));
    note.iter().for_each(|note| state.event("cluster-file", note));
    let outcome = if same { "it declares the same as before" } else { "it is in force" };
    Ok(Done { message: format!("{place} is written; {outcome}{warnings}") })
}

/// The first mistakes of a weight, with their places.
fn told(mistakes: &[Mistake], weight: Weight) -> Vec<String> {
    let of_weight = mistakes.iter().filter(|mistake| mistake.weight == weight);
    let line = |mistake: &Mistake| {
        let Mistake { place, message, .. } = mistake;
        format!("line {}, column {}: {}", place.line, place.column, coord_model::clean(message))
    };
    let mut lines: Vec<String> = of_weight.map(line).collect();
    let more = lines.len().saturating_sub(TOLD);
    lines.truncate(TOLD);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Writes beside the file, onto the disk, and takes its place in one step; its mode stays. A symbolic link stays one:
/// what it leads to is replaced.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mode = fs::metadata(&path).map_or(MODE, |data| data.permissions().mode() & 0o777);
    let beside = beside(&path);
    let written = write_new(&beside, text, mode).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // What cannot be removed either is overwritten by the next attempt.
        let _ = fs::remove_file(&beside);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    path.with_file_name(format!(".{name}.new"))
}

fn write_new(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(mode).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text)?;
    file.sync_all()
}

fn cannot_write(path: &Path, error: &io::Error) -> Status {
    Refused::new(format!("the coordinator cannot write {}", path.display()))
        .cause(error.to_string())
        .hint(format!("on its machine, run: sudo install -m 0644 FILE {}", path.display()))
        .into_status(Code::FailedPrecondition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.yaml");
        replace(&path, b"first").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.yaml"), folder.path().join("cluster.yaml"));
        fs::write(&real, "first").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace(&link, b"second").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"second");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_what_to_do() {
        let path = Path::new("/nowhere/cluster.yaml");
        let refused = cannot_write(path, &replace(path, b"x").unwrap_err());
        let words = Refused::from_status(&refused);
        assert_eq!(words.what, "the coordinator cannot write /nowhere/cluster.yaml");
        assert_eq!(words.hint, "on its machine, run: sudo install -m 0644 FILE /nowhere/cluster.yaml");
    }
}
