//! Mounts that appear, vanish or change: the kernel marks an open mountinfo as exceptional (POLLPRI).
//!
//! Source: the kernel's mounts_poll. A container node mounts all the time, so the table is looked at here, and only
//! network, user-space and disk mounts that are nobody's container count. Reading the table cannot wait for a mount.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
};

use coord_model::{AnySection, SectionKind};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep_until},
};

use super::{Place, source::Watched, storm::Storm};
use crate::fingerprint::Fingerprint;

/// The file whose readiness says that the mount table of this process changed.
const MOUNTINFO: &str = "/proc/self/mountinfo";
/// The most that is looked at.
const LARGEST: u64 = 16 << 20;
/// Where container engines and the kubelet mount disks of their own.
const CONTAINERS: [&[u8]; 6] = [
    b"/var/lib/kubelet/",
    b"/run/netns",
    b"/run/containerd/",
    b"/run/k3s/",
    b"/var/lib/containers/",
    b"/var/lib/docker/",
];

/// An open mountinfo.
#[derive(Debug)]
pub(super) struct Mountinfo {
    file: AsyncFd<File>,
    seen: Fingerprint,
    /// Not looked at again before.
    earliest: Instant,
    storm: Storm,
}

impl Watched for Mountinfo {
    const NAME: &'static str = "mountinfo";

    fn open(_: &Place) -> Result<Self, String> {
        let said = |error: io::Error| format!("cannot watch {MOUNTINFO}: {error}");
        let mut file = File::open(MOUNTINFO).map_err(said)?;
        let seen = look(&mut file).map_err(said)?;
        #[allow(deprecated, reason = "the sound form needs an unsafe block; this file is owned here and closed here")]
        let file = AsyncFd::with_interest(file, Interest::PRIORITY).map_err(said)?;
        Ok(Self { file, seen, earliest: Instant::now(), storm: Storm::default() })
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        loop {
            sleep_until(self.earliest).await;
            let waiting = Instant::now();
            self.file.ready_mut(Interest::PRIORITY).await?.clear_ready();
            let waited = waiting <= self.earliest + STILL_THERE && waiting.elapsed() < STILL_THERE;
            self.earliest = Instant::now() + self.storm.pause(waited);
            let now = look(self.file.get_mut())?;
            if now != self.seen {
                self.seen = now;
                return Ok(vec![SectionKind::Mounts, SectionKind::Disk]);
            }
        }
    }

    fn structure(sections: &[AnySection]) -> Option<Fingerprint> {
        let mounts = sections.iter().find_map(|section| {
            let AnySection::Mounts(section) = section else { return None };
            section.facts.as_ref().filter(|_| section.truncated == 0)
        })?;
        let mut found = Fingerprint::default();
        for mount in mounts.mounts.iter().flatten() {
            mount.device_number.iter().chain(mount.paths.iter().flatten()).for_each(|text| found.add_text(text));
        }
        Some(found)
    }
}

/// An event that is there as soon as the pause is over came during it.
const STILL_THERE: std::time::Duration = std::time::Duration::from_millis(20);

/// The lines that count, from the beginning of the file.
fn look(file: &mut File) -> io::Result<Fingerprint> {
    file.rewind()?;
    fingerprint(file)
}

fn fingerprint(table: impl Read) -> io::Result<Fingerprint> {
    let mut table = BufReader::with_capacity(16 << 10, table.take(LARGEST));
    let (mut line, mut found) = (Vec::new(), Fingerprint::default());
    while table.read_until(b'\n', &mut line)? > 0 {
        if counts(&line) {
            found.add(&line);
        }
        line.clear();
    }
    Ok(found)
}

/// Whether somebody may want to know of the mount in this line (proc_pid_mountinfo(5)).
fn counts(line: &[u8]) -> bool {
    let separator = line.windows(3).position(|part| part == b" - ");
    let Some((mount, file_system)) = separator.map(|place| (&line[..place], &line[place + 3..])) else { return false };
    let mut words = file_system.split(|byte| *byte == b' ');
    let (kind, source) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = mount.split(|byte| *byte == b' ').nth(4).unwrap_or_default();
    match kind {
        b"nfs" | b"nfs4" | b"cifs" | b"smb3" | b"smbfs" | b"9p" | b"virtiofs" | b"ceph" | b"afs" | b"lustre"
        | b"fuse" | b"fuseblk" | b"autofs" => true,
        kind if kind.starts_with(b"fuse.") => true,
        b"zfs" | b"btrfs" | b"bcachefs" => !of_container(path),
        _ => source.starts_with(b"/dev/") && !of_container(path),
    }
}

fn of_container(path: &[u8]) -> bool {
    CONTAINERS.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: &str = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n";
    const SHARE: &str = "40 27 0:45 / /data rw - nfs4 nas:/media rw,hard\n";

    fn of(text: &str) -> Fingerprint {
        fingerprint(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_somebody_wants_to_know_counts() {
        for line in [
            DISK,
            SHARE,
            "40 27 0:45 / /var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/media rw - nfs4 nas:/media rw\n",
            "42 27 0:50 / /auto rw - autofs systemd-1 rw\n",
            "43 27 0:51 / /mnt/user rw - fuse.shfs shfs rw\n",
        ] {
            assert!(counts(line.as_bytes()), "{line}");
        }
        for line in [
            "50 27 0:60 / /var/lib/kubelet/pods/1/volumes/secret rw - tmpfs tmpfs rw\n",
            "51 27 254:0 /x /var/lib/kubelet/pods/1/volume-subpaths/x rw - ext4 /dev/vda rw\n",
            "52 27 0:61 / /run/k3s/containerd/io.containerd.runtime.v2.task/x/rootfs rw - overlay overlay rw\n",
            "53 27 0:4 net:[4026532] /run/netns/cni-1 rw - nsfs nsfs rw\n",
            "",
            "garbage",
            " - ",
        ] {
            assert!(!counts(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_pod_changes_nothing_and_a_share_does() {
        let pod = "50 27 0:60 / /var/lib/kubelet/pods/1/volumes/secret rw - tmpfs tmpfs rw\n";
        assert_eq!(of(DISK), of(&format!("{DISK}{pod}")));
        assert_ne!(of(DISK), of(&format!("{DISK}{SHARE}")));
        assert_ne!(of(DISK), of(&DISK.replace("rw,relatime", "ro,relatime")));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8.., 0..400)) {
            counts(&bytes);
            proptest::prop_assert!(fingerprint(&bytes[..]).is_ok());
        }
    }
}
