//! The folder that a missing mount should cover: whether its path means one place, and what was written there.
//!
//! A path that goes through a link means another place than the mount table says, and perhaps one on a server that does
//! not answer. So no link is followed, and nothing is touched that a lookup reaches through a share.

use std::collections::BTreeSet;

use coord_model::{Reading, Unknown};

use super::{
    table::{Family, Row},
    view::View,
};
use crate::host::{Folder, Host};

/// What lies in the folder at `path`; an outer error where the path is not the real one, so that nothing can be said of
/// what is mounted there.
pub(super) fn folder(host: &Host, view: &View<'_>, path: &str) -> Result<Reading<Folder>, Unknown> {
    plain(path)?;
    if view.under(path).is_none() {
        return Ok(Err(Unknown::absent("the mount table does not tell where its folder is")));
    }
    if let Some(row) = view.through(path).find(|row| !here(row)) {
        return Ok(Err(Unknown::not_applicable(format!("its folder is on {}, a {} mount", row.path, row.kind))));
    }
    if let Some(link) = parts(path).find(|part| host.link(part).is_ok()) {
        return Err(Unknown::absent(format!("{path} goes through a link, {link}; declare the real path")));
    }
    let within = format!("{}/", path.trim_end_matches('/'));
    let mounts: BTreeSet<&str> =
        view.rows().iter().map(|row| row.path.as_str()).filter(|other| other.starts_with(&within)).collect();
    Ok(host.folder(path, &mounts))
}

/// Whether looking there can wait for nobody else.
fn here(row: &Row) -> bool {
    matches!(row.family(), Family::Local | Family::Virtual) && !row.kind.starts_with("fuse")
}

/// An error unless `path` is absolute and spelled as the kernel spells it.
fn plain(path: &str) -> Result<(), Unknown> {
    let odd = |part: &str| matches!(part, "" | "." | "..");
    match path.strip_prefix('/') {
        Some("") => Ok(()),
        Some(rest) if !rest.split('/').any(odd) => Ok(()),
        Some(_) | None => Err(Unknown::absent(format!("{path} is no plain absolute path; declare the real path"))),
    }
}

/// Every folder on the way to `path`, and `path` itself.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.map(move |end| &path[..end]).filter(|part| !part.is_empty())
}
