//! Keeps a section below 32 KiB by leaving out rows of its longest lists, and saying how many.

use coord_model::{AnySection, Failure, SectionKind, ValueState};
use coord_proto::border::encode_section;

/// The largest section, in bytes as they are sent.
pub(crate) const LARGEST: usize = 32 << 10;

/// `section` with rows left out until it fits; a section that has no rows to leave out is failed instead.
pub(crate) fn capped(mut section: AnySection) -> AnySection {
    // Its probe, or an earlier cut, may have left out some already.
    let mut left_out: u32 = *section.truncated_mut();
    loop {
        let size = size(&section);
        if size <= LARGEST {
            return section;
        }
        let Some(dropped) = cut(&mut section, size) else { return too_large(section.kind(), section) };
        left_out = left_out.saturating_add(dropped);
        *section.truncated_mut() = left_out;
    }
}

fn size(section: &AnySection) -> usize {
    encode_section(section.clone()).len()
}

fn too_large(kind: SectionKind, section: AnySection) -> AnySection {
    let failure = Failure { reason: ValueState::Error, message: "the section is larger than 32 KiB".to_string() };
    AnySection::failed(kind, "the agent".to_string(), failure).unwrap_or(section)
}

/// Drops the last rows of the list that takes most room: about as many as are too much, at least one. `None` when
/// there are none left.
fn cut(section: &mut AnySection, size: usize) -> Option<u32> {
    let (number, bytes) = largest(section, size)?;
    let mut lists = lists(section);
    let list = lists.get_mut(number)?;
    let count = list.count();
    let row = (bytes / count.max(1)).max(1);
    // Rows differ in size, so a little less than what is needed goes at once and the rest in small steps.
    let drop = ((size - LARGEST) / row * 9 / 10).clamp(1, count);
    list.shorten(count - drop);
    u32::try_from(drop).ok()
}

/// The number of the list with rows that takes most room, and how much.
fn largest(section: &mut AnySection, size: usize) -> Option<(usize, usize)> {
    let counts: Vec<usize> = lists(section).iter().map(|list| list.count()).collect();
    let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let sizes = filled.map(|(number, _)| (number, size.saturating_sub(without(section, number))));
    sizes.max_by_key(|(_, bytes)| *bytes)
}

/// The size of the section without the rows of one list.
fn without(section: &AnySection, number: usize) -> usize {
    let mut copy = section.clone();
    if let Some(list) = lists(&mut copy).get_mut(number) {
        list.shorten(0);
    }
    size(&copy)
}

/// A list of rows of any kind.
trait Rows {
    fn count(&self) -> usize;
    fn shorten(&mut self, count: usize);
}

impl<T> Rows for Option<Vec<T>> {
    fn count(&self) -> usize {
        self.as_ref().map_or(0, Vec::len)
    }

    fn shorten(&mut self, count: usize) {
        if let Some(rows) = self {
            rows.truncate(count);
        }
    }
}

/// The lists of a section that grow with its machine.
fn lists(section: &mut AnySection) -> Vec<&mut dyn Rows> {
    /// The named lists of the facts, if there are facts.
    macro_rules! of {
        ($section:ident: $($list:ident),+) => {
            $section.facts.as_mut().map(|facts| -> Vec<&mut dyn Rows> { vec![$(&mut facts.$list),+] })
        };
    }
    let lists = match section {
        AnySection::Agent(section) => of!(section: event_sources),
        AnySection::Platform(section) => of!(section: guests, layers),
        AnySection::System(section) => of!(section: temperatures, reboot_reasons),
        AnySection::Gpu(section) => of!(section: devices),
        AnySection::Disk(section) => of!(section: filesystems, devices),
        AnySection::Mounts(section) => of!(section: mounts, exports),
        AnySection::K3s(section) => of!(section: snapshots, certificates, load_balancer),
        AnySection::Docker(section) => of!(section: containers),
        AnySection::Network(section) => of!(section: interfaces),
        AnySection::Usb(section) => of!(section: serial_devices),
        AnySection::Unraid(section) => of!(section: shares, disks),
    };
    lists.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use coord_model::{
        Section,
        section::{Agent, BlockDevice, Disk, Filesystem, Mount, Mounts},
    };

    use super::*;

    fn mounts(count: usize) -> AnySection {
        let row = |number: usize| Mount { paths: Some(vec![format!("/data/{number}")]), ..Mount::default() };
        let facts = Mounts { mounts: Some((0..count).map(row).collect()), ..Mounts::default() };
        AnySection::Mounts(Section::read("/proc/self/mountinfo", facts))
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(capped(mounts(10)), mounts(10));
    }

    #[test]
    fn ten_thousand_mounts_fit_and_say_how_many_are_missing() {
        let AnySection::Mounts(section) = capped(mounts(10_000)) else { panic!("another section") };
        let left = section.facts.as_ref().unwrap().mounts.as_ref().unwrap();
        assert_eq!(left.len() + section.truncated as usize, 10_000);
        assert!(left.len() > 500, "{}", left.len());
        assert_eq!(left[0].paths.as_deref(), Some(&["/data/0".to_string()][..]));
        assert!(size(&AnySection::Mounts(section)) <= LARGEST);
    }

    #[test]
    fn rows_that_were_left_out_before_stay_counted() {
        let mut once = mounts(10_000);
        *once.truncated_mut() = 7;
        let AnySection::Mounts(section) = capped(once) else { panic!("another section") };
        assert_eq!(section.facts.unwrap().mounts.unwrap().len() + section.truncated as usize, 10_007);
    }

    #[test]
    fn the_longest_list_loses_its_rows_and_the_other_keeps_them() {
        let device = BlockDevice { model: Some("m".repeat(100)), ..BlockDevice::default() };
        let filesystem = Filesystem { path: Some("p".repeat(100)), ..Filesystem::default() };
        let (filesystems, devices) = (Some(vec![filesystem; 1_000]), Some(vec![device; 100]));
        let facts = Disk { filesystems, devices, ..Disk::default() };
        let AnySection::Disk(section) = capped(AnySection::Disk(Section::read("", facts))) else { panic!("disk") };
        let facts = section.facts.unwrap();
        assert_eq!(facts.devices.map(|rows| rows.len()), Some(100));
        assert_eq!(facts.filesystems.unwrap().len() + section.truncated as usize, 1_000);
    }

    #[test]
    fn a_huge_section_without_rows_fails() {
        let facts = Agent { version: Some("x".repeat(LARGEST)), ..Agent::default() };
        let capped = capped(AnySection::Agent(Section::read("", facts)));
        assert_eq!(capped.failure().unwrap().message, "the section is larger than 32 KiB");
    }
}
