//! Problems of graphics processors: there but not usable, open to everybody, or in somebody else's hands.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    Code, Problem, Report,
    section::{GpuAccess, GpuDevice, GpuReason, PlatformKind},
};

/// The number of a group that is mapped nowhere (user_namespaces(7)).
const UNMAPPED: u32 = 65_534;
/// NVIDIA's own driver, whose nodes are no DRM nodes and which gives them to everybody.
const NVIDIA: &str = "nvidia";

/// One device with what its hints are made of.
struct Place<'a> {
    device: &'a GpuDevice,
    access: &'a GpuAccess,
    kind: Option<PlatformKind>,
    hypervisor: Option<&'a str>,
    kernel: &'a str,
}

/// Every GPU that could transcode and may not be used, and whatever else is wrong with it.
pub(super) fn gpu(report: &Report, problems: &mut Vec<Problem>) {
    let Some(gpu) = report.gpu.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    let platform = report.platform.as_ref().and_then(|section| section.facts.as_ref());
    for device in gpu.devices.iter().flatten() {
        let Some(access) = device.access.as_ref().filter(|_| device.can_transcode != Some(false)) else { continue };
        let place = Place {
            device,
            access,
            kind: platform.and_then(|platform| platform.kind),
            hypervisor: platform.and_then(|platform| platform.hypervisor.as_deref()),
            kernel: platform.and_then(|platform| platform.kernel.as_deref()).unwrap_or_default(),
        };
        problems.extend(place.refused());
        problems.extend(place.open_to_all());
    }
}

impl Place<'_> {
    /// The problem of one GPU whose access was tested and refused.
    fn refused(&self) -> Option<Problem> {
        let node = self.node();
        let driver = self.device.driver.as_deref().unwrap_or("without a driver");
        let what = format!("GPU {driver} at {} is there, but ", self.address());
        let (code, rest, hint): (Code, String, Option<String>) = match self.access.reason? {
            GpuReason::DeviceCgroup => (
                Code::GpuDeviceCgroup,
                format!("this container may not open it: its device cgroup has no entry for {}", self.number()),
                Some(self.pass_through()),
            ),
            GpuReason::NotPassedThrough if !self.may_be_contained() => {
                (Code::GpuNoDriver, self.no_driver(), Some(self.make_node()))
            }
            GpuReason::NotPassedThrough => (
                Code::GpuNotPassedThrough,
                "it is not passed through into this container".to_string(),
                Some(self.pass_through()),
            ),
            GpuReason::Permission => (
                Code::GpuPermission,
                format!("its node {node} has mode {} and group {}", self.mode(), self.group()),
                Some(format!("chgrp render {node} && chmod 0660 {node}")),
            ),
            GpuReason::GroupUnmapped => (
                Code::GpuGroupUnmapped,
                format!("the group of {node} is not mapped into this unprivileged container"),
                Some(self.pass_through()),
            ),
            GpuReason::Nodev => (
                Code::GpuNodev,
                format!("the file system of {node} is mounted nodev"),
                Some("findmnt -T /dev/dri, then: mount -o remount,dev MOUNTPOINT".to_string()),
            ),
            GpuReason::NoDriver => (Code::GpuNoDriver, self.no_driver(), Some(self.get_driver())),
            GpuReason::GivenToGuest => return Some(self.given_away()),
            GpuReason::DisplayOnly | GpuReason::Unrecognised(_) => return None,
        };
        let problem = Problem::new(code, self.subject(), what + &rest);
        Some(match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    }

    /// A guest has it: nothing is wrong, and it explains why others have not.
    fn given_away(&self) -> Problem {
        let guests = self.device.guests.as_deref().unwrap_or_default();
        let who = match (guests.is_empty(), self.kind) {
            (false, _) => format!("guest {}", guests.join(", ")),
            (true, Some(PlatformKind::Lxc | PlatformKind::Container)) => "a virtual machine of this host".to_string(),
            (true, _) => "a virtual machine".to_string(),
        };
        let message = format!("GPU at {} belongs to {who} (vfio-pci): nobody else on this box has it", self.address());
        Problem::new(Code::GpuGivenToGuest, self.subject(), message)
    }

    /// A render node for everybody, which is no way to pass one through.
    fn open_to_all(&self) -> Option<Problem> {
        let mode = u32::from_str_radix(self.access.mode.as_deref()?, 8).ok()?;
        if mode & 0o006 == 0 || self.device.driver.as_deref() == Some(NVIDIA) {
            return None;
        }
        let node = self.node();
        let message =
            format!("GPU at {}: {node} has mode {}, so every program may use it", self.address(), self.mode());
        let hint = match self.kind {
            Some(PlatformKind::Lxc | PlatformKind::Container) => self.pass_through(),
            Some(_) | None => format!("chgrp render {node} && chmod 0660 {node}"),
        };
        Some(Problem::new(Code::GpuOpenToAll, self.subject(), message).hint(hint))
    }

    fn no_driver(&self) -> String {
        match &self.access.detail {
            Some(detail) => format!("it has no working driver: {detail}"),
            None => "it has no working driver".to_string(),
        }
    }

    /// Whether this is a container, or not known not to be one.
    fn may_be_contained(&self) -> bool {
        matches!(self.kind, Some(PlatformKind::Lxc | PlatformKind::Container) | None)
    }

    /// How a machine that is no container gets its missing node.
    fn make_node(&self) -> String {
        if self.device.driver.as_deref() == Some(NVIDIA) {
            return "nvidia-modprobe -u -c 0, or: systemctl enable --now nvidia-persistenced".to_string();
        }
        "udevadm trigger --subsystem-match=drm; ls -l /dev/dri".to_string()
    }

    /// How a driver comes to it.
    fn get_driver(&self) -> String {
        let (module, package) = match self.device.vendor_id.as_deref() {
            Some("8086") => ("i915", "firmware-misc-nonfree"),
            Some("1002") => ("amdgpu", "firmware-amd-graphics"),
            Some("10de") => (NVIDIA, "nvidia-driver"),
            Some(_) | None => return "lspci -nnk -d ::0300 names the kernel modules that know it".to_string(),
        };
        match self.kind {
            Some(PlatformKind::Lxc | PlatformKind::Container) => {
                format!("on the host: modprobe {module}; dmesg | grep {module}")
            }
            Some(_) | None if self.kernel.contains("cloud") => {
                "this cloud kernel has no GPU drivers: apt install linux-image-amd64, then reboot".to_string()
            }
            Some(_) | None => format!("apt install {package}, then: modprobe {module}; dmesg | grep {module}"),
        }
    }

    /// The lines that give the node to this container.
    fn pass_through(&self) -> String {
        let (node, group) = (self.node(), self.wanted_group());
        let nvidia = self.device.driver.as_deref() == Some(NVIDIA);
        match (self.kind, self.hypervisor) {
            (Some(PlatformKind::Container), _) if nvidia => "docker run --gpus all".to_string(),
            (Some(PlatformKind::Container), _) => format!("docker run --device {node} --group-add {group}"),
            (Some(PlatformKind::Lxc), Some("proxmox")) | (None, _) if !nvidia => {
                format!("on the host, add to the container's configuration: dev0: {node},gid={group}")
            }
            (Some(PlatformKind::Lxc), Some("proxmox")) => {
                let rest = "dev1: /dev/nvidiactl and dev2: /dev/nvidia-uvm";
                format!("on the host, add to the container's configuration: dev0: {node}, {rest}")
            }
            (_, _) => format!(
                "on the host, add to the container's configuration: lxc.cgroup2.devices.allow = c {} rwm and \
                 lxc.mount.entry = {node} {} none bind,optional,create=file",
                self.number(),
                node.trim_start_matches('/')
            ),
        }
    }

    /// The group that the node should have here.
    fn wanted_group(&self) -> String {
        let own = self.access.group_id.filter(|group| *group != UNMAPPED && *group != 0);
        self.access.render_group_id.or(own).map_or_else(|| "GROUP".to_string(), |group| group.to_string())
    }

    fn subject(&self) -> String {
        format!("gpu/{}", self.address())
    }

    fn address(&self) -> &str {
        self.device.address.as_deref().unwrap_or("?")
    }

    fn number(&self) -> &str {
        let any = if self.device.driver.as_deref() == Some(NVIDIA) { "195:*" } else { "226:128" };
        self.device.render_number.as_deref().unwrap_or(any)
    }

    fn node(&self) -> String {
        if self.device.driver.as_deref() == Some(NVIDIA) {
            return "/dev/nvidia0".to_string();
        }
        format!("/dev/dri/{}", self.device.render_node.as_deref().unwrap_or("renderD128"))
    }

    fn mode(&self) -> &str {
        self.access.mode.as_deref().unwrap_or("?")
    }

    fn group(&self) -> String {
        let number = || self.access.group_id.map_or_else(|| "?".to_string(), |group| group.to_string());
        self.access.group.clone().unwrap_or_else(number)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{borrow::ToOwned, vec};

    use super::*;
    use crate::{
        Section, Severity,
        section::{Gpu, Platform},
    };

    fn report(kind: PlatformKind, hypervisor: &str, driver: &str, access: GpuAccess) -> Report {
        let device = GpuDevice {
            address: Some("0000:00:02.0".to_owned()),
            vendor_id: Some("8086".to_owned()),
            driver: Some(driver.to_owned()),
            render_node: Some("renderD128".to_owned()),
            render_number: Some("226:128".to_owned()),
            can_transcode: Some(true),
            access: Some(access),
            ..GpuDevice::default()
        };
        let platform = Platform {
            kind: Some(kind),
            hypervisor: Some(hypervisor.to_owned()),
            kernel: Some("6.1.0-18-cloud-amd64".to_owned()),
            ..Platform::default()
        };
        Report {
            gpu: Some(Section::read("", Gpu { devices: Some(vec![device]), ..Gpu::default() })),
            platform: Some(Section::read("", platform)),
            ..Report::default()
        }
    }

    fn problems(report: &Report) -> Vec<Problem> {
        let mut problems = Vec::new();
        gpu(report, &mut problems);
        problems
    }

    fn because(reason: GpuReason) -> GpuAccess {
        GpuAccess {
            reason: Some(reason),
            group_id: Some(UNMAPPED),
            render_group_id: Some(104),
            mode: Some("0660".to_owned()),
            ..GpuAccess::default()
        }
    }

    #[test]
    fn each_kind_of_container_gets_its_own_line() {
        for (kind, hypervisor, part) in [
            (PlatformKind::Lxc, "proxmox", "dev0: /dev/dri/renderD128,gid=104"),
            (PlatformKind::Lxc, "lxc", "lxc.cgroup2.devices.allow = c 226:128 rwm"),
            (PlatformKind::Container, "docker", "--device /dev/dri/renderD128 --group-add 104"),
        ] {
            for reason in [GpuReason::GroupUnmapped, GpuReason::DeviceCgroup, GpuReason::NotPassedThrough] {
                let found = problems(&report(kind, hypervisor, "i915", because(reason)));
                let hint = found[0].hint.as_ref().unwrap();
                assert!(hint.contains(part), "{kind} {hypervisor}: {hint}");
            }
        }
    }

    #[test]
    fn a_virtual_machine_with_a_cloud_kernel_is_told_so() {
        let found = problems(&report(PlatformKind::Vm, "proxmox", "i915", because(GpuReason::NoDriver)));
        assert_eq!(found[0].code, Code::GpuNoDriver);
        assert!(found[0].hint.as_ref().unwrap().contains("apt install linux-image-amd64"));
    }

    #[test]
    fn a_machine_that_is_no_container_is_not_told_to_pass_anything_through() {
        for (driver, part) in [(NVIDIA, "nvidia-modprobe"), ("i915", "udevadm")] {
            let found = problems(&report(PlatformKind::BareMetal, "", driver, because(GpuReason::NotPassedThrough)));
            assert_eq!(found[0].code, Code::GpuNoDriver);
            assert!(found[0].hint.as_ref().unwrap().contains(part), "{:?}", found[0].hint);
        }
    }

    #[test]
    fn a_node_for_everybody_is_a_warning_but_for_nvidia() {
        let open = || GpuAccess { mode: Some("0666".to_owned()), ..GpuAccess::default() };
        let found = problems(&report(PlatformKind::BareMetal, "", "i915", open()));
        assert_eq!((found.len(), found[0].code, found[0].severity), (1, Code::GpuOpenToAll, Severity::Warning));
        assert!(problems(&report(PlatformKind::BareMetal, "", NVIDIA, open())).is_empty());
        let closed = GpuAccess { mode: Some("0660".to_owned()), ..GpuAccess::default() };
        assert!(problems(&report(PlatformKind::BareMetal, "", "i915", closed)).is_empty());
    }

    #[test]
    fn whoever_holds_it_is_named() {
        let mut given = report(PlatformKind::ProxmoxHost, "", "vfio-pci", because(GpuReason::GivenToGuest));
        assert!(problems(&given)[0].message.contains("belongs to a virtual machine (vfio-pci)"));
        let gpus = given.gpu.as_mut().unwrap().facts.as_mut().unwrap();
        gpus.devices.as_mut().unwrap()[0].guests = Some(vec!["plex".to_owned()]);
        let found = problems(&given);
        assert!(found[0].message.contains("belongs to guest plex"), "{}", found[0].message);
        assert_eq!((found[0].code, found[0].severity), (Code::GpuGivenToGuest, Severity::Info));
    }
}
