//! `coordctl render`: manifests and commands for people who apply them themselves; nothing is sent anywhere.

mod crd;
mod declared;
mod kubectl;
mod manifests;

use std::{fs, io::Write, path::Path};

use crate::{
    arguments::{Render, RenderKubernetes},
    failure::{Exit, Failure},
    output::Output,
    place::Place,
};

use declared::Declared;
use manifests::{Manifest, Standing};

/// Carries out one of them.
///
/// # Errors
/// When the cluster file cannot be read or has errors, the coordinator does not answer, or nothing can be written.
pub(super) async fn run(arguments: &Render, place: Option<Place>, output: &Output) -> Result<Exit, Failure> {
    match arguments {
        Render::Crd => output.data(&manifests::yaml(&crd::definition())?)?,
        Render::Labels(arguments) => {
            let declared = Declared::find(arguments.file.as_deref(), place, output).await?;
            output.data(&kubectl::lines(&declared))?;
        }
        Render::Kubernetes(arguments) => kubernetes(arguments, place, output).await?,
    }
    Ok(Exit::Fine)
}

async fn kubernetes(arguments: &RenderKubernetes, place: Option<Place>, output: &Output) -> Result<(), Failure> {
    let declared = Declared::find(arguments.file.as_deref(), place, output).await?;
    let standing = if arguments.outside { Standing::Outside } else { Standing::Inside };
    let manifests = manifests::all(standing, &declared)?;
    match &arguments.out {
        Some(folder) => {
            write(folder, &manifests)?;
            let apply = standing.folder(folder);
            output.talk(&format!("written; look at it, then: kubectl apply -k {}\n", apply.display()));
            Ok(())
        }
        None => output.data(&manifests::stream(&manifests, declared.text.is_some())),
    }
}

/// Writes the tree; files that are there are not replaced, since somebody may have changed them.
fn write(folder: &Path, manifests: &[Manifest]) -> Result<(), Failure> {
    for manifest in manifests {
        let path = folder.join(manifest.path);
        let cannot =
            |error: std::io::Error| Failure::new(format_args!("cannot write {}", path.display())).because(&error);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(cannot)?;
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file =
            file.map_err(|error| cannot(error).hint("write into a new folder and compare: diff -r OLD NEW"))?;
        file.write_all(manifest.text.as_bytes()).map_err(cannot)?;
    }
    Ok(())
}
