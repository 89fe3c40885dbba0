//! Whether an update waits for a restart, where the system leaves a note about it.

use coord_model::{Reading, Unknown, ValueState};

use crate::host::Host;

/// Debian and its relatives leave it when a package asks for it.
const NOTE: &str = "/run/reboot-required";
/// Who makes a new kernel leave the note: without any of them, no note says nothing.
const WRITERS: [&str; 4] = [
    "/etc/kernel/postinst.d/unattended-upgrades",
    "/etc/kernel/postinst.d/update-notifier",
    "/etc/kernel/postinst.d/zz-update-notifier",
    "/etc/kernel/postinst.d/reboot-notifier",
];

pub(super) fn needed(host: &Host) -> Reading<bool> {
    if host.exists(NOTE) {
        return Ok(true);
    }
    if WRITERS.iter().any(|path| host.exists(path)) {
        return Ok(false);
    }
    Err(Unknown::not_applicable("nothing here writes /run/reboot-required; on Debian the package reboot-notifier does"))
}

pub(super) fn reasons(host: &Host) -> Reading<Vec<String>> {
    match host.text("/run/reboot-required.pkgs") {
        Ok(text) => Ok(text.lines().map(str::to_string).collect()),
        Err(unknown) if unknown.state == ValueState::Absent && !host.exists(NOTE) => {
            Err(Unknown::absent("no restart is waited for"))
        }
        Err(unknown) => Err(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::empty;
    use crate::host::fixture::recorded;

    #[test]
    fn no_note_counts_only_where_somebody_would_write_it() {
        let writer = ("etc/kernel/postinst.d/unattended-upgrades", "#!/bin/sh\n");
        let note = ("run/reboot-required", "*** System restart required ***\n");
        let packages = ("run/reboot-required.pkgs", "linux-image-amd64\n");
        assert_eq!(needed(&recorded(&[writer])), Ok(false));
        assert_eq!(needed(&empty()).unwrap_err().state, ValueState::NotApplicable);
        let waiting = recorded(&[note, packages]);
        assert_eq!((needed(&waiting), reasons(&waiting)), (Ok(true), Ok(vec!["linux-image-amd64".to_string()])));
        assert!(reasons(&recorded(&[note])).is_err() && reasons(&recorded(&[writer])).is_err());
    }
}
