//! One machine's report as text, in the order in which a person asks: what is wrong, what is it, what has it got.

use coord_model::{
    Problem, Report, Section, Severity, Unknowns,
    section::{BlockDevice, Disk, Etcd, Filesystem, Gpu, GpuDevice, K3s, Mount, Mounts, Platform, System},
};

use super::rows::{age, labelled, listed, size};

/// Where the text of a labelled row begins.
const COLUMN: usize = 13;

/// The whole report.
pub(crate) fn report(report: &Report, problems: &[Problem]) -> String {
    let mut text = heading(report, problems);
    text.push_str(&platform(known(report.platform.as_ref())));
    text.push_str(&kubernetes(known(report.k3s.as_ref())));
    text.push_str(&problem_rows(problems));
    text.push_str(&gpus(known(report.gpu.as_ref())));
    text.push_str(&mounts(known(report.mounts.as_ref())));
    text.push_str(&disks(known(report.disk.as_ref())));
    text.push_str(&system(known(report.system.as_ref())));
    text
}

fn known<T>(section: Option<&Section<T>>) -> Option<&T> {
    section.and_then(|section| section.facts.as_ref())
}

fn heading(report: &Report, problems: &[Problem]) -> String {
    let name = known(report.platform.as_ref()).and_then(|platform| platform.host_name.clone());
    let count = |severity: Severity, word: &str| {
        let count = problems.iter().filter(|problem| problem.severity == severity).count();
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    };
    let counts = listed([count(Severity::Error, "error"), count(Severity::Warning, "warning")]);
    let counts = if counts.is_empty() { "nothing is wrong".to_string() } else { counts };
    let agent = known(report.agent.as_ref());
    let version = agent.and_then(|agent| agent.version.clone()).unwrap_or_default();
    let from = agent.and_then(|agent| agent.recorded_from.clone()).map(|from| format!(", recorded in {from}"));
    let text = format!("{counts}; agent {version}{}", from.unwrap_or_default());
    labelled(0, name.as_deref().unwrap_or("this machine"), COLUMN, &text)
}

fn platform(platform: Option<&Platform>) -> String {
    let Some(platform) = platform else { return String::new() };
    let layers: Vec<_> = platform.layers.iter().flatten().collect();
    let privileged = layers
        .last()
        .and_then(|layer| layer.privileged)
        .map(|privileged| if privileged { "privileged".to_string() } else { "unprivileged".to_string() });
    let what = listed([platform.label.clone(), privileged, platform.product.clone()]);
    let mut text = labelled(2, "platform", COLUMN, &what);
    let evidence: Vec<String> = layers.iter().flat_map(|layer| layer.evidence.iter().flatten()).cloned().collect();
    if !evidence.is_empty() {
        text.push_str(&labelled(2, "", COLUMN, &format!("evidence: {}", evidence.join(", "))));
    }
    let kernel = platform.kernel.as_ref().map(|kernel| format!("kernel {kernel}"));
    let software = listed([platform.operating_system.clone(), kernel, platform.architecture.clone()]);
    text + &labelled(2, "software", COLUMN, &software)
}

fn kubernetes(k3s: Option<&K3s>) -> String {
    let Some(k3s) = k3s.filter(|k3s| k3s.unit.is_some() || k3s.version.is_some()) else { return String::new() };
    let role = k3s.role.map(|role| format!("k3s {role} {}", k3s.version.as_deref().unwrap_or("")).trim().to_string());
    let kubelet = k3s
        .kubelet_healthy
        .map(|healthy| if healthy { "kubelet healthy".to_string() } else { "kubelet not healthy".to_string() });
    let api = k3s
        .apiserver_reachable
        .map(|reachable| if reachable { "API reachable".to_string() } else { "API not reachable".to_string() });
    let state = k3s.unit_state.map(|state| state.to_string());
    labelled(2, "kubernetes", COLUMN, &listed([role, state, kubelet, api])) + &member(k3s.etcd.as_ref())
}

/// What decides whether a member of etcd is good for its vote.
fn member(etcd: Option<&Etcd>) -> String {
    let Some(etcd) = etcd else { return String::new() };
    let milliseconds =
        |name: &str, seconds: Option<f64>| seconds.map(|seconds| format!("{name} {:.1} ms", seconds * 1e3));
    let line = listed([
        etcd.voter.map(|voter| if voter { "voter" } else { "learner" }.to_string()),
        (etcd.has_leader == Some(false)).then(|| "no leader".to_string()),
        milliseconds("fsync p99", etcd.sync_p99_seconds),
        milliseconds("commit p99", etcd.commit_p99_seconds),
        etcd.leader_changes.map(|changes| format!("{changes} leader changes")),
        etcd.database_bytes.map(|bytes| format!("database {}", size(bytes))),
    ]);
    if line.is_empty() { line } else { labelled(2, "etcd", COLUMN, &line) }
}

fn problem_rows(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let line = format!("{} ({})", problem.message, problem.code);
        text.push_str(&labelled(2, &format!("{} {}", problem.severity.symbol(), problem.severity), COLUMN, &line));
        if let Some(hint) = &problem.hint {
            text.push_str(&labelled(2, "", COLUMN, &format!("hint: {hint}")));
        }
    }
    if text.is_empty() { text } else { format!("\nProblems\n{text}") }
}

fn gpus(gpu: Option<&Gpu>) -> String {
    let devices = gpu.and_then(|gpu| gpu.devices.as_deref()).unwrap_or_default();
    let rows: String = devices.iter().map(gpu_rows).collect();
    if rows.is_empty() { rows } else { format!("\nGPU\n{rows}") }
}

fn gpu_rows(device: &GpuDevice) -> String {
    let what = listed([
        device.name.clone(),
        device.driver.clone(),
        device.card.clone(),
        device.render_node.clone(),
        device.runtime_status.clone(),
    ]);
    let mut text = labelled(2, device.address.as_deref().unwrap_or("?"), COLUMN + 3, &what);
    let Some(access) = &device.access else { return text };
    let usable = match (access.usable_by_root, access.usable_by_group) {
        (Some(true), Some(true)) => "yes".to_string(),
        (Some(false), _) | (_, Some(false)) => "no".to_string(),
        (Some(true), None) => "by root".to_string(),
        (None, Some(true)) => "by its group".to_string(),
        (None, None) => format!("unknown: {}", why(&access.unknown, "usableByGroup")),
    };
    let owner =
        access.group.as_ref().zip(access.mode.as_ref()).map(|(group, mode)| format!("mode {mode}, group {group}"));
    let line = listed([Some(usable), access.reason.map(|reason| reason.to_string()), access.detail.clone(), owner]);
    text.push_str(&labelled(4, "usable", COLUMN + 3, &line));
    text.push_str(&gpu_abilities(device));
    text
}

/// What it can do and who uses it, as far as that is known.
fn gpu_abilities(device: &GpuDevice) -> String {
    let mut text = String::new();
    let mut row = |label: &str, line: Option<String>| {
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            text.push_str(&labelled(4, label, COLUMN + 3, &line));
        }
    };
    row("opens", device.open_detail.clone());
    row(
        "codecs",
        device.codecs.as_ref().map(|codecs| {
            let named = |word: &str, list: &Option<Vec<String>>| {
                list.as_ref().filter(|list| !list.is_empty()).map(|list| format!("{} {word}", list.join(" ")))
            };
            let source = codecs.source.map(|source| format!("by {source}"));
            listed([named("decode", &codecs.decode), named("encode", &codecs.encode), source])
        }),
    );
    row("busy", device.video_busy_percent.map(|percent| format!("{percent:.0} % of its video engines")));
    row("in use by", device.users.as_ref().map(|users| users.join(", ")));
    row("given to", device.guests.as_ref().map(|guests| guests.join(", ")));
    text
}

fn why(unknown: &Unknowns, name: &str) -> String {
    unknown.get(name).map_or_else(String::new, |reason| {
        if reason.message.is_empty() { reason.state.to_string() } else { reason.message.clone() }
    })
}

fn mounts(mounts: Option<&Mounts>) -> String {
    let rows = mounts.and_then(|mounts| mounts.mounts.as_deref()).unwrap_or_default();
    let text: String = rows.iter().map(mount_row).collect();
    if text.is_empty() { text } else { format!("\nMounts\n{text}") }
}

fn mount_row(mount: &Mount) -> String {
    let state =
        mount.state.map_or_else(|| format!("unknown: {}", why(&mount.unknown, "state")), |state| state.to_string());
    let paths = mount.paths.as_deref().unwrap_or_default();
    let more = (paths.len() > 1).then(|| format!("and {} more paths", paths.len() - 1));
    let mode = if mount.read_only == Some(true) { "ro" } else { "rw" };
    let kind = format!("{} {mode}", mount.kind.as_deref().unwrap_or("?"));
    let trip = mount.round_trip_seconds.map(|seconds| format!("{:.1} ms", seconds * 1000.0));
    let line = listed([
        Some(state),
        mount.source.clone(),
        Some(kind),
        trip,
        free(mount.available_bytes, mount.size_bytes),
        shadow(mount),
        more,
    ]);
    labelled(2, paths.first().map_or("?", String::as_str), COLUMN + 3, &line)
}

/// What was written below a share while it was not mounted.
fn shadow(mount: &Mount) -> Option<String> {
    let files = mount.shadow_files.filter(|files| *files > 0)?;
    Some(format!("{files} files ({}) in the folder below it", size(mount.shadow_bytes?)))
}

fn free(available: Option<u64>, all: Option<u64>) -> Option<String> {
    let all = all.filter(|all| *all > 0)?;
    Some(format!("{} free of {}", size(available?), size(all)))
}

fn disks(disk: Option<&Disk>) -> String {
    let rows = disk.and_then(|disk| disk.filesystems.as_deref()).unwrap_or_default();
    let devices = disk.and_then(|disk| disk.devices.as_deref()).unwrap_or_default();
    let text: String = rows.iter().map(disk_row).chain(devices.iter().map(device_row)).collect();
    if text.is_empty() { text } else { format!("\nDisks\n{text}") }
}

/// Only what is told of the disk itself; size and place stand at its file systems.
fn device_row(device: &BlockDevice) -> String {
    let line = listed([
        device.model.clone(),
        device.life_used_percent.map(|percent| format!("{percent} % of its life used")),
        device.smart.as_ref().map(|verdict| format!("SMART {verdict}")),
        device.critical_warning.clone(),
        device.kernel_errors.filter(|count| *count > 0).map(|count| format!("{count} I/O errors since boot")),
        (device.degraded == Some(true)).then(|| "a member is missing".to_string()),
    ]);
    if line.is_empty() { line } else { labelled(2, device.name.as_deref().unwrap_or("?"), COLUMN + 3, &line) }
}

fn disk_row(filesystem: &Filesystem) -> String {
    let turning = filesystem.rotational.map(|turns| if turns { "rotational" } else { "not rotational" }.to_string());
    let space = free(filesystem.available_bytes, filesystem.size_bytes)
        .unwrap_or_else(|| format!("space unknown: {}", why(&filesystem.unknown, "availableBytes")));
    let line = listed([
        filesystem.kind.clone(),
        Some(space),
        filesystem.source.as_ref().map(|source| format!("on {source}")),
        turning,
        (filesystem.read_only == Some(true)).then(|| "read-only".to_string()),
    ]);
    labelled(2, filesystem.path.as_deref().unwrap_or("?"), COLUMN + 3, &line)
}

fn system(system: Option<&System>) -> String {
    let Some(system) = system else { return String::new() };
    let memory = system.memory_available_bytes.zip(system.memory_total_bytes);
    let cores = listed([
        system.processors.map(|count| format!("{count} processors")),
        system.load_1.map(|load| format!("load {load:.1}")),
        memory.map(|(available, total)| format!("memory {} free of {}", size(available), size(total))),
        system.uptime_seconds.map(|seconds| format!("up {}", age(seconds))),
    ]);
    let clock = system.clock_synchronised.map(|synchronised| {
        if synchronised { "clock synchronised".to_string() } else { "clock not synchronised".to_string() }
    });
    let pressure = system.io_pressure.as_ref().and_then(|pressure| pressure.some_10);
    let rest = listed([
        clock,
        system.clock_offset_seconds.map(|seconds| format!("offset {:.0} ms", seconds * 1000.0)),
        pressure.map(|percent| format!("io pressure {percent:.1} %")),
        system.reboot_needed.map(|needed| if needed { "reboot needed" } else { "reboot not needed" }.to_string()),
    ]);
    let rest = if rest.is_empty() { rest } else { labelled(2, "", 2, &rest) };
    format!("\nSystem\n{}{rest}", labelled(2, "", 2, &cores))
}

#[cfg(test)]
mod tests {
    use coord_model::{Code, section::GpuAccess};

    use super::*;

    #[test]
    fn an_empty_report_is_shown_without_panic() {
        assert_eq!(report(&Report::default(), &[]), "this machine  nothing is wrong; agent\n");
    }

    #[test]
    fn lines_end_before_column_80_and_say_why_a_value_is_unknown() {
        let mut access = GpuAccess::default();
        let reason = coord_model::Unknown::denied("needs coord-helper, which this version does not have yet");
        access.unknown.insert("usableByGroup".to_string(), reason);
        let device = GpuDevice {
            address: Some("0000:00:02.0".to_string()),
            name: Some("Intel UHD Graphics 630".to_string()),
            access: Some(access),
            ..GpuDevice::default()
        };
        let gpu = Gpu { devices: Some(vec![device]), ..Gpu::default() };
        let full = Report { gpu: Some(Section::read("", gpu)), ..Report::default() };
        let problem = Problem::new(Code::GpuDeviceCgroup, "gpu/0000:00:02.0", "long ".repeat(40)).hint("type this");
        let text = report(&full, &[problem]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("unknown: needs coord-helper") && text.contains("hint: type this"), "{text}");
    }
}
