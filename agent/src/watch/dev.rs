//! Device nodes that come, go or change their mode: inotify on `/dev`, `/dev/dri`, `/dev/serial` and its folders.
//!
//! It works in containers too, where the node is what counts. A folder that appears later is watched from then on.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use coord_model::{AnySection, SectionKind};
use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor},
};
use tokio::io::{Interest, unix::AsyncFd};

use super::{Place, source::Watched};
use crate::fingerprint::Fingerprint;

/// Where nodes lie; the first must be there.
const FOLDERS: [&str; 5] = ["/dev", "/dev/dri", "/dev/serial", "/dev/serial/by-id", "/dev/serial/by-path"];
/// What may have changed after events were lost.
const ALL: [SectionKind; 3] = [SectionKind::Gpu, SectionKind::Usb, SectionKind::Disk];

/// The folders that are watched.
pub(super) struct Dev {
    inotify: Inotify,
    ready: AsyncFd<OwnedFd>,
    folders: Vec<(WatchDescriptor, &'static str)>,
}

impl Watched for Dev {
    const NAME: &'static str = "dev";

    fn open(_: &Place) -> Result<Self, String> {
        let said = |error: io::Error| format!("cannot watch /dev: {error}");
        let (inotify, ready) = inotify().map_err(said)?;
        let mut dev = Self { inotify, ready, folders: Vec::new() };
        dev.watch();
        if dev.folders.is_empty() { Err(said(io::ErrorKind::NotFound.into())) } else { Ok(dev) }
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        loop {
            let events = take(&mut self.ready, &self.inotify).await?;
            let folders = events.iter().any(|event| event.mask.contains(AddWatchFlags::IN_ISDIR));
            let mut kinds: Vec<SectionKind> = events.iter().flat_map(|event| self.kinds(event)).copied().collect();
            self.folders.retain(|(gone, _)| !events.iter().any(|event| event.wd == *gone && ended(event)));
            if folders {
                self.watch();
            }
            if !kinds.is_empty() {
                kinds.sort_unstable();
                kinds.dedup();
                return Ok(kinds);
            }
        }
    }

    fn structure(sections: &[AnySection]) -> Option<Fingerprint> {
        let usb = sections.iter().find_map(|section| {
            let AnySection::Usb(section) = section else { return None };
            section.facts.as_ref()
        })?;
        let mut found = Fingerprint::default();
        let there = usb.serial_devices.iter().flatten().filter(|device| device.present == Some(true));
        there.filter_map(|device| device.tty.as_ref()).for_each(|tty| found.add_text(tty));
        Some(found)
    }
}

impl Dev {
    /// Watches the folders that are there and are not watched yet.
    fn watch(&mut self) {
        for folder in FOLDERS {
            if self.folders.iter().any(|(_, watched)| *watched == folder) {
                continue;
            }
            // Modes change below /dev/dri; in /dev itself they change all the time.
            let mut flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE;
            flags |= AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_ONLYDIR;
            if folder == "/dev/dri" {
                flags |= AddWatchFlags::IN_ATTRIB;
            }
            if let Ok(watch) = self.inotify.add_watch(folder, flags) {
                self.folders.push((watch, folder));
            }
        }
    }

    fn kinds(&self, event: &InotifyEvent) -> &'static [SectionKind] {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return &ALL;
        }
        let folder = self.folders.iter().find(|(watch, _)| *watch == event.wd).map(|(_, folder)| *folder);
        let name = event.name.as_ref().map(|name| name.to_string_lossy()).unwrap_or_default();
        folder.map_or(&[], |folder| kinds_of(folder, &name))
    }
}

/// Whether the folder of this watch is gone.
fn ended(event: &InotifyEvent) -> bool {
    event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_DELETE_SELF)
}

/// An inotify instance, and a second descriptor of it that says when there is something to take.
pub(crate) fn inotify() -> io::Result<(Inotify, AsyncFd<OwnedFd>)> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    let descriptor = inotify.as_fd().try_clone_to_owned()?;
    #[allow(deprecated, reason = "the sound form needs an unsafe block; this descriptor is owned and closed here")]
    let ready = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
    Ok((inotify, ready))
}

/// The events that have come, at least one. Cancel safe.
pub(crate) async fn take(ready: &mut AsyncFd<OwnedFd>, inotify: &Inotify) -> io::Result<Vec<InotifyEvent>> {
    loop {
        let mut guard = ready.readable_mut().await?;
        match inotify.read_events() {
            Ok(events) => return Ok(events),
            Err(Errno::EAGAIN) => guard.clear_ready(),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What a node of this name says something about.
fn kinds_of(folder: &str, name: &str) -> &'static [SectionKind] {
    match folder {
        "/dev/dri" => &[SectionKind::Gpu],
        "/dev" => match name {
            "dri" => &[SectionKind::Gpu],
            "serial" => &[SectionKind::Usb],
            _ if name.starts_with("ttyUSB") || name.starts_with("ttyACM") => &[SectionKind::Usb],
            _ if name.starts_with("nvidia") || name.starts_with("video") => &[SectionKind::Gpu],
            _ if ["sd", "nvme", "mmcblk", "vd", "md"].iter().any(|prefix| name.starts_with(prefix)) => {
                &[SectionKind::Disk]
            }
            _ => &[],
        },
        _ => &[SectionKind::Usb],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_which_section() {
        assert_eq!(kinds_of("/dev", "ttyUSB0"), [SectionKind::Usb]);
        assert_eq!(kinds_of("/dev", "dri"), [SectionKind::Gpu]);
        assert_eq!(kinds_of("/dev", "nvme1n1"), [SectionKind::Disk]);
        assert_eq!(kinds_of("/dev/dri", "renderD128"), [SectionKind::Gpu]);
        assert_eq!(kinds_of("/dev/serial/by-id", "usb-Itead"), [SectionKind::Usb]);
        for name in ["loop0", "pts", "", "null", "dm-0"] {
            assert!(kinds_of("/dev", name).is_empty(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_watched_tells_of_a_new_name() {
        let folder = tempfile::tempdir().unwrap();
        let (inotify, mut ready) = inotify().unwrap();
        inotify.add_watch(folder.path(), AddWatchFlags::IN_CREATE).unwrap();
        std::fs::write(folder.path().join("renderD128"), "").unwrap();
        let events = take(&mut ready, &inotify).await.unwrap();
        assert_eq!(events[0].name.as_ref().unwrap(), "renderD128");
    }
}
