//! Containers, by what their runtime leaves lying about.

use coord_model::section::PlatformKind;

use crate::{host::Host, probe::mounts::table};

/// A container around the agent.
#[derive(Debug, PartialEq)]
pub(super) struct Container {
    pub(super) kind: PlatformKind,
    /// `lxc`, `docker`, `podman`, `kubernetes`.
    pub(super) runtime: String,
    pub(super) evidence: Vec<String>,
}

/// The container that this machine is, if it is one.
pub(super) fn container(host: &Host) -> Option<Container> {
    let mut evidence = Vec::new();
    let mut runtime = None;
    let mut found = |name: &str, shown: String| {
        runtime.get_or_insert_with(|| name.to_string());
        evidence.push(shown);
    };
    if let Ok(name) = host.text("/run/systemd/container")
        && !name.is_empty()
    {
        found(&name, format!("{name} in /run/systemd/container"));
    }
    if let Some(name) = host.read("/proc/1/environ").ok().and_then(|bytes| environment(&bytes)) {
        found(&name, format!("container={name} in pid 1"));
    }
    for (path, name) in [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")] {
        if host.exists(path) {
            found(name, path.to_string());
        }
    }
    if let Some(name) = host.text("/proc/1/cgroup").ok().and_then(|text| cgroup(&text)) {
        found(name, format!("{name} in /proc/1/cgroup"));
    }
    let lxcfs = lxcfs(&table::read(host).unwrap_or_default());
    if lxcfs {
        found("lxc", "lxcfs on /proc".to_string());
    }
    let runtime = runtime?;
    let kind = if runtime.starts_with("lxc") { PlatformKind::Lxc } else { PlatformKind::Container };
    Some(Container { kind, runtime, evidence })
}

/// `container=NAME` among the NUL-separated variables of process 1.
fn environment(bytes: &[u8]) -> Option<String> {
    let mut variables = bytes.split(|byte| *byte == 0);
    let name = variables.find_map(|variable| variable.strip_prefix(b"container="))?;
    let name = String::from_utf8_lossy(name).into_owned();
    (!name.is_empty()).then_some(name)
}

/// A runtime's folder in the cgroup path of process 1.
fn cgroup(text: &str) -> Option<&'static str> {
    let path = |part: &str| text.lines().any(|line| line.rsplit(':').next().is_some_and(|path| path.contains(part)));
    [("kubepods", "kubernetes"), ("/docker/", "docker"), ("docker-", "docker"), ("libpod", "podman"), ("/lxc/", "lxc")]
        .into_iter()
        .find_map(|(part, name)| path(part).then_some(name))
}

/// lxcfs over single files of /proc: only a container has that; its host has it as a folder.
fn lxcfs(rows: &[table::Row]) -> bool {
    rows.iter().any(|row| row.kind == "fuse.lxcfs" && row.path.starts_with("/proc/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_names_its_container() {
        assert_eq!(environment(b"TERM=linux\0container=lxc\0X=1").as_deref(), Some("lxc"));
        assert_eq!(environment(b"container=\0"), None);
        assert_eq!(environment(b"\xff\xfe\0"), None);
        assert_eq!(environment(b""), None);
    }

    #[test]
    fn cgroup_paths_name_their_runtime() {
        assert_eq!(cgroup("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope"), Some("kubernetes"));
        assert_eq!(cgroup("0::/docker/1234"), Some("docker"));
        assert_eq!(cgroup("0::/init.scope"), None);
        assert_eq!(cgroup(""), None);
    }

    #[test]
    fn lxcfs_on_the_host_is_no_container() {
        assert!(!lxcfs(&table::parse("43 28 0:48 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw")));
        assert!(lxcfs(&table::parse("411 402 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw")));
    }
}
