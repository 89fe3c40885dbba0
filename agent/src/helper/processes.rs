//! Lane `processes`: one walk over the open files of all processes, for who has a GPU or a serial device open.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use coord_model::{Reading, Unknown, ValueState};

use super::{fdinfo, ground::Ground};
use crate::host::DrmClient;

/// The most devices, programs a device, and DRM clients that are told.
const MOST_DEVICES: usize = 128;
const MOST_PROGRAMS: usize = 32;
const MOST_CLIENTS: usize = 512;

/// What the walk has found.
#[derive(Debug, Default)]
struct Found {
    open: BTreeMap<String, BTreeSet<String>>,
    clients: Vec<DrmClient>,
    /// Processes whose files may not be seen.
    hidden: u32,
}

/// Programs by device that they have open.
pub(super) type OpenDevices = BTreeMap<String, Vec<String>>;

/// Walks until `end`.
pub(super) fn walk(ground: &Ground, end: Instant) -> Reading<(OpenDevices, Vec<DrmClient>)> {
    let mut found = Found::default();
    if has_devices(ground)? {
        let own = std::process::id();
        let numbers = ground.list("/proc")?.into_iter().filter_map(|name| name.parse::<u32>().ok());
        for number in numbers.filter(|number| *number != own) {
            if Instant::now() >= end {
                return Err(Unknown::new(ValueState::Timeout, "looking at all processes did not end in time"));
            }
            process(ground, number, &mut found);
        }
    }
    if found.hidden > 0 {
        return Err(Unknown::denied(format!("the open files of {} processes may not be seen", found.hidden)));
    }
    let programs = |names: BTreeSet<String>| names.into_iter().take(MOST_PROGRAMS).collect();
    Ok((found.open.into_iter().map(|(path, names)| (path, programs(names))).collect(), found.clients))
}

/// Whether there is anything that somebody could have open.
fn has_devices(ground: &Ground) -> Reading<bool> {
    let names = ground.list("/dev")?;
    Ok(names.iter().any(|name| name == "dri" || is_wanted(&format!("/dev/{name}"))))
}

/// Devices of which somebody wants to know who has them open.
fn is_wanted(path: &str) -> bool {
    ["/dev/dri/", "/dev/nvidia", "/dev/ttyUSB", "/dev/ttyACM"].iter().any(|start| path.starts_with(start))
        && path.len() <= 64
}

/// Looks at every open file of one process. It may end meanwhile.
fn process(ground: &Ground, number: u32, found: &mut Found) {
    let folder = format!("/proc/{number}");
    let files = match ground.list(&format!("{folder}/fd")) {
        Ok(files) => files,
        Err(reason) if reason.state == ValueState::Denied => {
            found.hidden += 1;
            return;
        }
        Err(_) => return,
    };
    let mut program = None;
    for file in files {
        let path = match ground.link(&format!("{folder}/fd/{file}")) {
            Ok(path) => path,
            Err(reason) if reason.state == ValueState::Denied => {
                found.hidden += 1;
                return;
            }
            Err(_) => continue,
        };
        if is_wanted(&path) {
            let program = program.get_or_insert_with(|| Program::read(ground, number));
            found.device(&path, program);
            if path.starts_with("/dev/dri/") {
                let info = ground.read(&format!("{folder}/fdinfo/{file}")).ok();
                found.client(&path, program, info.as_deref().and_then(fdinfo::parse));
            }
        }
    }
}

/// Who has it open.
struct Program {
    number: u32,
    name: String,
    in_pod: bool,
}

impl Program {
    fn read(ground: &Ground, number: u32) -> Self {
        let name = ground.text(&format!("/proc/{number}/comm")).unwrap_or_default();
        let cgroup = ground.text(&format!("/proc/{number}/cgroup")).unwrap_or_default();
        Self { number, name: coord_model::clean(&name), in_pod: is_pod(&cgroup) }
    }
}

/// Whether a process with these cgroups belongs to a pod: the kubelet's own cgroup, with either driver.
fn is_pod(cgroup: &str) -> bool {
    let parts = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2)).flat_map(|path| path.split('/'));
    parts.into_iter().any(|part| part.starts_with("kubepods"))
}

impl Found {
    fn device(&mut self, path: &str, program: &Program) {
        if self.open.contains_key(path) || self.open.len() < MOST_DEVICES {
            self.open.entry(path.to_string()).or_default().insert(program.name.clone());
        }
    }

    /// A client once a process, however often it has the node open.
    fn client(&mut self, path: &str, program: &Program, info: Option<fdinfo::FdInfo>) {
        let Some(info) = info else { return };
        let Some(device) = info.device.or_else(|| node_number(path)) else { return };
        let same = |row: &DrmClient| (row.process, row.client, &row.device) == (program.number, info.client, &device);
        if self.clients.len() < MOST_CLIENTS && !self.clients.iter().any(same) {
            self.clients.push(DrmClient {
                device,
                client: info.client,
                program: program.name.clone(),
                process: program.number,
                in_pod: program.in_pod,
                engines: info.engines,
                capacity: info.capacity,
            });
        }
    }
}

/// `226:MINOR`: the number in a node's name is its minor number (Documentation/gpu/drm-uapi.rst).
fn node_number(path: &str) -> Option<String> {
    let name = path.strip_prefix("/dev/dri/")?;
    let number = name.strip_prefix("renderD").or_else(|| name.strip_prefix("card"))?;
    Some(format!("226:{}", number.parse::<u32>().ok()?))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, time::Duration};

    use proptest::prelude::*;

    use super::{super::ground::tests::machine, *};

    const CLIENT: &str = "drm-driver:\ti915\ndrm-client-id:\t7\ndrm-pdev:\t0000:00:02.0\ndrm-engine-video:\t5 ns\n";

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// Opens `path` in process `number` as file `file`.
    fn open(ground: &Ground, number: u32, file: u32, path: &str) {
        let folder = ground.place(&format!("/proc/{number}/fd"));
        fs::create_dir_all(&folder).unwrap();
        symlink(path, folder.join(file.to_string())).unwrap();
    }

    #[test]
    fn who_has_a_device_open_is_told_with_what_its_driver_says() {
        let (_folder, ground) = machine(&[
            ("/dev/dri/renderD128", ""),
            ("/proc/70/comm", "Plex Transcoder\n"),
            ("/proc/70/cgroup", "0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-1.scope\n"),
            ("/proc/70/fdinfo/3", CLIENT),
            ("/proc/70/fdinfo/4", CLIENT),
            ("/proc/80/comm", "zigbee2mqtt\n"),
            ("/proc/80/cgroup", "0::/system.slice/z.service\n"),
            ("/proc/self", ""),
        ]);
        open(&ground, 70, 3, "/dev/dri/renderD128");
        open(&ground, 70, 4, "/dev/dri/renderD128");
        open(&ground, 70, 5, "socket:[77]");
        open(&ground, 80, 0, "/dev/ttyUSB0");
        open(&ground, 80, 1, "/dev/null");
        let (devices, clients) = walk(&ground, later()).unwrap();
        let rows: Vec<(&str, &str)> = devices.iter().map(|(path, names)| (path.as_str(), names[0].as_str())).collect();
        assert_eq!(rows, [("/dev/dri/renderD128", "Plex Transcoder"), ("/dev/ttyUSB0", "zigbee2mqtt")]);
        assert_eq!(clients.len(), 1);
        assert_eq!((clients[0].client, clients[0].in_pod, clients[0].process), (7, true, 70));
        assert_eq!(clients[0].engines["video"], 5);
    }

    #[test]
    fn a_walk_without_time_says_so_and_one_without_devices_ends_at_once() {
        let (_folder, ground) = machine(&[("/dev/ttyACM0", ""), ("/proc/1/comm", "init")]);
        assert_eq!(walk(&ground, Instant::now()).unwrap_err().state, ValueState::Timeout);
        let (_folder, ground) = machine(&[("/dev/null", "")]);
        assert_eq!(walk(&ground, Instant::now()), Ok((BTreeMap::new(), Vec::new())));
    }

    #[test]
    fn a_pod_is_known_by_its_cgroup() {
        assert!(is_pod("12:devices:/kubepods/besteffort/pod1/2\n0::/x\n"));
        assert!(!is_pod("0::/system.slice/k3s.service\n"));
        assert!(!is_pod("") && !is_pod("kubepods"));
    }

    #[test]
    fn a_node_off_pci_is_named_by_its_number() {
        assert_eq!(node_number("/dev/dri/renderD128").as_deref(), Some("226:128"));
        assert_eq!(node_number("/dev/dri/card1").as_deref(), Some("226:1"));
        assert_eq!(node_number("/dev/dri/by-path/x"), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = (is_pod(&text), node_number(&text), is_wanted(&text));
        }
    }
}
