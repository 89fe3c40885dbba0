//! `coord-agent leave`: stops the service and takes this machine's identity away.

use std::{fs, io};

use coord_proto::identity::Identity;

use crate::{
    arguments::RunArguments,
    settings::Settings,
    show,
    unit::{self, UnitAnswer},
};

/// Leaves, and says what is left to do elsewhere.
pub(crate) fn leave(arguments: RunArguments) -> io::Result<()> {
    let settings = Settings::load(arguments);
    let file = settings.identity_file();
    // A damaged identity can be left as well.
    let name = Identity::load(&file).ok().flatten().map(|identity| identity.name.clone()).unwrap_or_default();
    if unit::disable() == UnitAnswer::Refused {
        show::talk(&format!("the service could not be stopped; try: {}\n", unit::stop_line()))?;
    }
    if unit::forget() == UnitAnswer::Refused {
        show::talk(&format!("the kept copy of the identity could not be removed; try: {} forget\n", unit::SCRIPT))?;
    }
    let mut removed = false;
    for path in [file.clone(), file.with_extension("json.previous"), file.with_extension("json.new")] {
        match fs::remove_file(&path) {
            Ok(()) => removed = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("cannot remove {}: {error}", path.display())));
            }
        }
    }
    if !removed {
        return show::text("this machine had no identity\n");
    }
    let who = if name.is_empty() { "NAME".to_owned() } else { name };
    show::text(&format!("identity removed\nnext, on the coordinator: coordctl node forget {who}\n"))
}
