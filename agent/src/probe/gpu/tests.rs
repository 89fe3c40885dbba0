//! GPUs of small constructed trees.

use std::{fs, os::unix::fs::symlink, path::Path};

use coord_model::{
    Facts,
    section::{GpuAccess, GpuReason},
};

use super::*;

const INTEL: &str = "sys/devices/pci0000:00/0000:00:02.0";

struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.folder.path().join("root").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.folder.path().join("root").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// An Intel GPU with card0 and renderD128.
    fn intel(&self) {
        self.file(&format!("{INTEL}/vendor"), "0x8086\n");
        self.file(&format!("{INTEL}/device"), "0x3e98\n");
        self.file(&format!("{INTEL}/class"), "0x030000\n");
        self.file(&format!("{INTEL}/power/runtime_status"), "active\n");
        self.file("sys/bus/pci/drivers/i915/module", "");
        self.link(&format!("{INTEL}/driver"), "../../../bus/pci/drivers/i915");
        for (name, number) in [("card0", "226:0"), ("renderD128", "226:128")] {
            self.file(&format!("{INTEL}/drm/{name}/dev"), number);
            self.link(&format!("{INTEL}/drm/{name}/device"), "../..");
            self.link(&format!("sys/class/drm/{name}"), &format!("../../devices/pci0000:00/0000:00:02.0/drm/{name}"));
        }
        self.link("sys/class/drm/card0-HDMI-A-1", "../../devices/pci0000:00/0000:00:02.0/drm/card0");
        self.link("sys/bus/pci/devices/0000:00:02.0", "../../../devices/pci0000:00/0000:00:02.0");
        self.file("etc/group", "root:x:0:\nrender:x:104:\n");
        self.file("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    }

    fn again(&self, answers: &str, briefing: &mut Briefing) -> Vec<GpuDevice> {
        fs::create_dir_all(self.folder.path().join("root")).unwrap();
        fs::write(self.folder.path().join("answers.json"), answers).unwrap();
        let host = Host::recorded(Path::new(self.folder.path())).unwrap();
        probe(&host, briefing).facts.unwrap().devices.unwrap()
    }

    fn devices(&self, answers: &str) -> Vec<GpuDevice> {
        self.again(answers, &mut Briefing::default())
    }

    fn access(&self, answers: &str) -> GpuAccess {
        self.devices(answers).remove(0).access.unwrap()
    }
}

const NODE: &str = r#""node": {"/dev/dri/renderD128": {"kind": "char", "mode": 432, "user": 0, "group": 104,
    "major": 226, "minor": 128, "size": 0, "ageSeconds": 1.0}}"#;
const USER: &str = r#""user": {"id": 0, "name": "root", "groups": [0]}"#;

#[test]
fn nodes_are_grouped_by_device_and_described() {
    let tree = Tree::new();
    tree.intel();
    let devices = tree.devices(&format!(
        r#"{{"schema": 1, {NODE}, {USER}, "access": {{"/dev/dri/renderD128": {{"errno": null}}}}}}"#
    ));
    let [gpu] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!(gpu.address.as_deref(), Some("0000:00:02.0"));
    assert_eq!(gpu.name.as_deref(), Some("Intel UHD Graphics 630"));
    assert_eq!(gpu.driver.as_deref(), Some("i915"));
    assert_eq!((gpu.card.as_deref(), gpu.render_node.as_deref()), (Some("card0"), Some("renderD128")));
    assert_eq!(gpu.can_transcode, Some(true));
    assert!(gpu.codecs.is_some());
    let access = gpu.access.as_ref().unwrap();
    assert_eq!((access.usable_by_root, access.usable_by_group), (Some(true), Some(true)));
    assert_eq!((access.group.as_deref(), access.mode.as_deref()), (Some("render"), Some("0660")));
    assert!(gpu.unexplained().is_empty() && access.unexplained().is_empty());
}

#[test]
fn root_that_is_refused_proves_the_device_cgroup() {
    let tree = Tree::new();
    tree.intel();
    let access = tree.access(&format!(
        r#"{{"schema": 1, {NODE}, {USER}, "access": {{"/dev/dri/renderD128": {{"errno": "EPERM"}}}}}}"#
    ));
    assert_eq!(access.reason, Some(GpuReason::DeviceCgroup));
    assert_eq!((access.usable_by_root, access.usable_by_group), (Some(false), Some(false)));
}

#[test]
fn a_gpu_without_a_node_is_not_passed_through() {
    let tree = Tree::new();
    tree.intel();
    let absent = r#"{"schema": 1, "node": {"/dev/dri/renderD128": {"unknown": {"state": "absent", "message": ""}}}}"#;
    assert_eq!(tree.access(absent).reason, Some(GpuReason::NotPassedThrough));
}

#[test]
fn a_missing_answer_is_no_verdict() {
    let tree = Tree::new();
    tree.intel();
    let access = tree.access(r#"{"schema": 1}"#);
    assert_eq!((access.usable_by_root, access.reason), (None, None));
    assert_eq!(access.unknown["usableByRoot"].state, ValueState::Error);
}

#[test]
fn a_node_under_another_name_is_found_by_its_number() {
    let tree = Tree::new();
    tree.intel();
    tree.file("dev/dri/renderD129", "");
    let node = NODE.replace("renderD128", "renderD129");
    let node = node.replacen('{', r#"{"/dev/dri/renderD128": {"unknown": {"state": "absent"}}, "#, 1);
    let access = tree
        .access(&format!(r#"{{"schema": 1, {node}, {USER}, "access": {{"/dev/dri/renderD129": {{"errno": null}}}}}}"#));
    assert_eq!(access.usable_by_root, Some(true), "{access:?}");
}

#[test]
fn devices_without_nodes_have_no_driver_or_belong_to_a_guest() {
    let tree = Tree::new();
    for (address, driver) in [("0000:01:00.0", Some("vfio-pci")), ("0000:02:00.0", None)] {
        tree.file(&format!("sys/bus/pci/devices/{address}/class"), "0x030000");
        tree.file(&format!("sys/bus/pci/devices/{address}/vendor"), "0x10de");
        tree.file(&format!("sys/bus/pci/devices/{address}/device"), "0xffff");
        if let Some(driver) = driver {
            tree.link(&format!("sys/bus/pci/devices/{address}/driver"), &format!("../../../drivers/{driver}"));
        }
    }
    let devices = tree.devices(r#"{"schema": 1}"#);
    let reasons: Vec<_> = devices.iter().map(|gpu| gpu.access.as_ref().unwrap().reason).collect();
    assert_eq!(reasons, [Some(GpuReason::GivenToGuest), Some(GpuReason::NoDriver)]);
    assert_eq!(devices[0].name.as_deref(), Some("NVIDIA GPU 10de:ffff"));
}

#[test]
fn a_machine_without_gpus_has_an_empty_list() {
    assert!(Tree::new().devices(r#"{"schema": 1}"#).is_empty());
}

/// A helper that tried and opened the node, with two readings of one client that decodes.
const HELPER: &str = r#""helper": {
    "gpu": {"/dev/dri/renderD128": {"asRoot": {"errno": null}, "asGroup": {"errno": null}, "open": {"errno": null}}},
    "openDevices": {"/dev/dri/renderD128": ["jellyfin"]},
    "drmClients": [{"device": "0000:00:02.0", "client": 4, "program": "jellyfin", "engines": {"video": 1000000000}}],
    "drmClientsLater":
        [{"device": "0000:00:02.0", "client": 4, "program": "jellyfin", "engines": {"video": 1100000000}}]}"#;

#[test]
fn a_gpu_that_falls_asleep_keeps_its_verdict_with_its_age() {
    let tree = Tree::new();
    tree.intel();
    tree.file("proc/uptime", "100.0 50.0\n");
    let mut briefing = Briefing::default();
    let answers = format!(r#"{{"schema": 1, {NODE}, {USER}, {HELPER}}}"#);
    let awake = tree.again(&answers, &mut briefing).remove(0);
    assert_eq!((awake.opened, awake.verdict_seconds), (Some(true), Some(0.0)));

    tree.file(&format!("{INTEL}/power/runtime_status"), "suspended\n");
    tree.file("proc/uptime", "5100.0 50.0\n");
    // A helper that answered now would be heard: it is not asked.
    let refusing = answers.replace(r#""asRoot": {"errno": null}"#, r#""asRoot": {"errno": "EPERM"}"#);
    let asleep = tree.again(&refusing, &mut briefing).remove(0);
    assert_eq!((asleep.opened, asleep.verdict_seconds), (Some(true), Some(5000.0)));
    assert_eq!(asleep.access.unwrap().usable_by_root, Some(true));

    // Another node is another question, and its answer says nothing about an open.
    let changed = refusing.replace(r#""mode": 432"#, r#""mode": 438"#);
    let tested = tree.again(&changed, &mut briefing).remove(0);
    assert_eq!(tested.access.as_ref().unwrap().reason, Some(GpuReason::DeviceCgroup));
    assert_eq!(tested.unknown["opened"].state, ValueState::Asleep);
}

#[test]
fn video_engines_are_measured_when_asked_for_and_only_awake() {
    let tree = Tree::new();
    tree.intel();
    tree.file("proc/uptime", "100.0 50.0\n");
    let answers = format!(r#"{{"schema": 1, {NODE}, {USER}, {HELPER}}}"#);
    let mut asked = Briefing { measures: vec![Measure::GpuBusy], ..Briefing::default() };
    let busy = tree.again(&answers, &mut asked).remove(0);
    assert_eq!(busy.video_busy_percent, Some(20.0));
    assert_eq!(busy.users.as_deref().unwrap(), ["jellyfin"]);
    let quiet = tree.devices(&answers).remove(0);
    assert_eq!(quiet.unknown["videoBusyPercent"].state, ValueState::NotApplicable);
    tree.file(&format!("{INTEL}/power/runtime_status"), "suspended\n");
    let asleep = tree.again(&answers, &mut asked).remove(0);
    assert_eq!(asleep.unknown["videoBusyPercent"].state, ValueState::Asleep);
}

#[test]
fn a_gpu_is_idle_only_where_nobody_could_use_it_unseen() {
    let tree = Tree::new();
    tree.intel();
    tree.file("proc/uptime", "100.0 50.0\n");
    let mut asked = Briefing { measures: vec![Measure::GpuBusy], ..Briefing::default() };
    let answers = |open: &str| {
        let gpu = r#""gpu": {"/dev/dri/renderD128": {"asRoot": {"errno": null}, "asGroup": {"errno": null}}}"#;
        let helper = format!(r#"{{{gpu}, "openDevices": {open}, "drmClients": [], "drmClientsLater": []}}"#);
        format!(r#"{{"schema": 1, {NODE}, {USER}, "helper": {helper}}}"#)
    };
    let idle = tree.again(&answers("{}"), &mut asked).remove(0);
    assert_eq!(idle.video_busy_percent, Some(0.0));
    let held = tree.again(&answers(r#"{"/dev/dri/renderD128": ["ffmpeg"]}"#), &mut asked).remove(0);
    assert_eq!(held.video_busy_percent, None);
    assert_eq!(held.unknown["videoBusyPercent"].state, ValueState::Absent);
}

#[test]
fn a_model_that_nobody_knows_says_how_its_codecs_become_known() {
    let tree = Tree::new();
    tree.intel();
    tree.file(&format!("{INTEL}/device"), "0xffff\n");
    tree.file("proc/uptime", "100.0 50.0\n");
    let gpu = tree.devices(&format!(r#"{{"schema": 1, {NODE}, {USER}, {HELPER}}}"#)).remove(0);
    let why = &gpu.unknown["codecs"];
    assert_eq!(why.state, ValueState::Absent);
    assert!(why.message.ends_with("apt install vainfo"), "{}", why.message);
}

#[test]
fn a_virtual_function_names_its_physical_one() {
    let tree = Tree::new();
    tree.intel();
    tree.link(&format!("{INTEL}/physfn"), "../0000:00:1f.0");
    tree.file("sys/devices/pci0000:00/0000:00:1f.0/class", "0x030000");
    tree.file(&format!("{INTEL}/sriov_numvfs"), "7\n");
    let gpu = tree.devices(r#"{"schema": 1}"#).remove(0);
    assert_eq!((gpu.virtual_function, gpu.physical_function.as_deref()), (Some(true), Some("0000:00:1f.0")));
    assert_eq!(gpu.virtual_functions, Some(7));
}
