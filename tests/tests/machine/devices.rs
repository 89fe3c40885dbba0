//! Disks and GPUs that change while the agent runs: it hears of it by an event.

use coord_model::{
    NodeDetail,
    section::{Filesystem, GpuDevice, GpuReason},
};

use crate::house::House;

fn disk(detail: &NodeDetail) -> Option<&Filesystem> {
    let facts = detail.report.disk.as_ref()?.facts.as_ref()?;
    facts.filesystems.as_ref()?.iter().find(|row| row.path.as_deref() == Some("/mnt/disk"))
}

/// As ext4 does by itself after an error.
pub(crate) fn a_disk_that_became_read_only_is_told_at_once(house: &House) {
    let read_only = |detail: &NodeDetail, wanted| disk(detail).is_some_and(|row| row.read_only == Some(wanted));
    house.wait("the disk", |detail| read_only(detail, false));
    house.machine.told("mount -o remount,ro /mnt/disk");
    house.wait("the disk to be read-only", |detail| read_only(detail, true));
    house.machine.told("mount -o remount,rw /mnt/disk");
    house.wait("the disk to be writable again", |detail| read_only(detail, false));
}

fn gpu(detail: &NodeDetail) -> Option<&GpuDevice> {
    let facts = detail.report.gpu.as_ref()?.facts.as_ref()?;
    facts.devices.as_ref()?.iter().find(|row| row.driver.as_deref() == Some("vgem"))
}

/// vgem is a GPU that only moves memory: it has a render node, and no engine at all.
pub(crate) fn a_render_node_is_told_and_cannot_transcode(house: &House) {
    assert!(house.detail().is_some_and(|detail| gpu(&detail).is_none()), "it is there already");
    house.machine.told("modprobe vgem && udevadm settle");
    let detail = house.wait("the render node", |detail| gpu(detail).is_some_and(|gpu| gpu.access.is_some()));
    let gpu = gpu(&detail).unwrap();
    assert_eq!(gpu.render_node.as_deref(), Some("renderD128"));
    assert_eq!(gpu.can_transcode, Some(false));
    let access = gpu.access.as_ref().unwrap();
    // It is never tried: no workload is placed on what only moves memory.
    assert_eq!((access.usable_by_group, access.reason), (Some(false), Some(GpuReason::DisplayOnly)), "{access:?}");
}

/// The test for etcd, on a disk of this machine: a figure, and nothing left behind.
pub(crate) fn the_latency_of_a_disk_is_measured(house: &House) {
    let answer = house.machine.run("coord-agent check --disk-latency /mnt/disk");
    assert!(matches!(answer.code, 0 | 3), "{answer:?}");
    assert!(answer.output.contains("ms"), "{answer:?}");
    assert_eq!(house.machine.told("ls -A /mnt/disk"), "lost+found\n");
}
