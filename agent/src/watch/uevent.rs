//! Devices that come, go or change: the kernel's uevents (NETLINK_KOBJECT_UEVENT, group 1).
//!
//! The kernel sends them to network namespaces that the first user namespace owns; an unprivileged container gets none.

use std::{
    fs, io,
    os::fd::{AsRawFd, OwnedFd},
};

use coord_model::{AnySection, SectionKind};
use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, socket},
};
use tokio::io::{Interest, unix::AsyncFd};

use super::{Place, source::Watched};
use crate::fingerprint::Fingerprint;

/// The kernel's own messages; udev's are another group.
const GROUP: u32 = 1;
/// A message is at most this long (the kernel's UEVENT_BUFFER_SIZE is 2 KiB).
const LARGEST: usize = 8 << 10;
/// How many messages are taken before others have their turn.
const MOST: usize = 64;
/// All that may have changed after messages were lost.
const ALL: [SectionKind; 4] = [SectionKind::Gpu, SectionKind::Usb, SectionKind::Disk, SectionKind::System];

/// The socket.
#[derive(Debug)]
pub(super) struct Uevent(AsyncFd<OwnedFd>);

impl Watched for Uevent {
    const NAME: &'static str = "uevent";

    fn open(_: &Place) -> Result<Self, String> {
        if fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !first_user_namespace(&map)) {
            return Err("the kernel sends no uevents to an unprivileged container".to_string());
        }
        socket_of(SockProtocol::NetlinkKObjectUEvent, GROUP)
            .map(Self)
            .map_err(|error| format!("cannot listen to uevents: {error}"))
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        loop {
            let kinds = batch(&mut self.0, &ALL, |message, found: &mut Vec<SectionKind>| {
                found.extend(kind(message).filter(|kind| !found.contains(kind)));
            })
            .await?;
            if !kinds.is_empty() {
                return Ok(kinds);
            }
        }
    }

    fn structure(sections: &[AnySection]) -> Option<Fingerprint> {
        let mut found = Fingerprint::default();
        let usb = sections.iter().find_map(|section| {
            let AnySection::Usb(section) = section else { return None };
            section.facts.as_ref()
        })?;
        let gpu = sections.iter().find_map(|section| {
            let AnySection::Gpu(section) = section else { return None };
            section.facts.as_ref()
        })?;
        usb.serial_devices
            .iter()
            .flatten()
            .filter_map(|device| device.tty.as_ref())
            .for_each(|tty| found.add_text(tty));
        gpu.devices.iter().flatten().filter_map(|device| device.card.as_ref()).for_each(|card| found.add_text(card));
        Some(found)
    }
}

/// A netlink socket that gets the messages of `groups` and does not block.
pub(super) fn socket_of(protocol: SockProtocol, groups: u32) -> io::Result<AsyncFd<OwnedFd>> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    #[allow(deprecated, reason = "the sound form needs an unsafe block; this socket is owned here and closed here")]
    AsyncFd::with_interest(socket, Interest::READABLE)
}

/// Waits for messages and hands each to `keep`; `lost` when the kernel had to drop some. Cancel safe: what was taken is
/// given back in the same step.
pub(super) async fn batch(
    socket: &mut AsyncFd<OwnedFd>,
    lost: &[SectionKind],
    mut keep: impl FnMut(&[u8], &mut Vec<SectionKind>),
) -> io::Result<Vec<SectionKind>> {
    let mut ready = socket.readable_mut().await?;
    let (mut found, mut buffer) = (Vec::new(), [0; LARGEST]);
    for _ in 0..MOST {
        match ready.try_io(|socket| receive(socket.get_ref(), &mut buffer)) {
            Ok(Ok(Some(message))) => keep(message, &mut found),
            Ok(Ok(None)) => {}
            Ok(Err(error)) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => return Ok(lost.to_vec()),
            Ok(Err(error)) => return Err(error),
            Err(_) => break,
        }
    }
    Ok(found)
}

/// One message; `None` for one that another process sent.
fn receive<'a>(socket: &OwnedFd, buffer: &'a mut [u8; LARGEST]) -> io::Result<Option<&'a [u8]>> {
    let (length, sender) = recvfrom::<NetlinkAddr>(socket.as_raw_fd(), buffer)?;
    let kernel = sender.is_some_and(|sender| sender.pid() == 0);
    Ok(buffer.get(..length).filter(|_| kernel))
}

/// Whether `/proc/self/uid_map` is that of the first user namespace.
fn first_user_namespace(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The section that a message is about: NUL separated `KEY=VALUE` after a first word `ACTION@PATH`.
pub(crate) fn kind(message: &[u8]) -> Option<SectionKind> {
    let values = || message.split(|byte| *byte == 0);
    let value = |key: &[u8]| values().find_map(|word| word.strip_prefix(key)?.strip_prefix(b"="));
    match value(b"SUBSYSTEM")? {
        b"drm" => Some(SectionKind::Gpu),
        b"usb" => Some(SectionKind::Usb),
        b"tty" => {
            let name = value(b"DEVNAME").unwrap_or_default();
            let name = name.strip_prefix(b"/dev/").unwrap_or(name);
            (name.starts_with(b"ttyUSB") || name.starts_with(b"ttyACM")).then_some(SectionKind::Usb)
        }
        b"block" | b"nvme" | b"mmc" => {
            let path = value(b"DEVPATH").unwrap_or_default();
            // Loop devices and RAM disks come and go with containers and packages.
            let virtual_block =
                path.starts_with(b"/devices/virtual/block/loop") || path.starts_with(b"/devices/virtual/block/ram");
            (!virtual_block).then_some(SectionKind::Disk)
        }
        b"power_supply" | b"hwmon" => Some(SectionKind::System),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subsystem: &str, more: &str) -> Vec<u8> {
        format!("add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM={subsystem}\0{more}\0SEQNUM=7\0")
            .into_bytes()
    }

    #[test]
    fn the_subsystem_says_which_section() {
        assert_eq!(kind(&message("drm", "DEVNAME=dri/card0")), Some(SectionKind::Gpu));
        assert_eq!(kind(&message("tty", "DEVNAME=ttyUSB0")), Some(SectionKind::Usb));
        assert_eq!(kind(&message("tty", "DEVNAME=tty7")), None);
        assert_eq!(kind(&message("block", "DEVNAME=sda")), Some(SectionKind::Disk));
        assert_eq!(kind(&message("power_supply", "")), Some(SectionKind::System));
        assert_eq!(kind(&message("net", "INTERFACE=veth0")), None);
        let looped = b"change@/x\0DEVPATH=/devices/virtual/block/loop3\0SUBSYSTEM=block\0";
        assert_eq!(kind(looped), None);
    }

    #[test]
    fn broken_messages_say_nothing() {
        for broken in [&b""[..], b"\0\0\0", b"SUBSYSTEM", b"SUBSYSTEM=", b"add@/x\0SUBSYSTEM=dr", b"\xff\xfe="] {
            assert_eq!(kind(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn an_unprivileged_container_is_told_apart() {
        assert!(first_user_namespace("         0          0 4294967295\n"));
        assert!(!first_user_namespace("         0     100000      65536\n"));
        assert!(!first_user_namespace(""));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8.., 0..400)) {
            kind(&bytes);
        }
    }
}
