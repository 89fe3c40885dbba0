//! Whether a node may be used, and if not why not.
//!
//! faccessat asks mode and owner first (EACCES) and the device cgroup after them (EPERM), and never the driver. So
//! EPERM proves the cgroup whoever asks, while an ordinary user's EACCES hides everything behind the mode.

use coord_model::{
    Reading, Unknown, ValueState,
    section::{GpuAccess, GpuAccessReading, GpuReason},
};

use super::nvidia;
use crate::{
    host::{Access, Answer, HelperGpu, Host, NEEDS_HELPER, Node},
    probe::{mounts::table, platform},
};

/// What unmapped users and groups look like in a user namespace (user_namespaces(7)).
const OVERFLOW: u32 = 65_534;

/// What is known of the device whose node it is.
pub(super) struct Question<'a> {
    pub(super) driver: &'a Reading<String>,
    pub(super) render_node: Option<&'a str>,
    /// `226:128`, as sysfs says.
    pub(super) render_number: Option<&'a str>,
    pub(super) display_only: bool,
    /// The number of the node of NVIDIA's own driver.
    pub(super) nvidia_minor: Reading<u32>,
}

/// Both verdicts with their reason.
#[derive(Debug, PartialEq)]
struct Verdict {
    by_root: Reading<bool>,
    by_group: Reading<bool>,
    reason: Reading<GpuReason>,
    detail: Reading<String>,
    tested_as: Reading<String>,
}

/// The node that stands for the device here.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) node: Node,
    /// Whether it is a DRM node, which the helper can try.
    pub(super) drm: bool,
}

/// The node to be tested, or the verdict that needs no test.
pub(super) fn place(host: &Host, question: &Question<'_>) -> Result<Place, Box<GpuAccess>> {
    let verdict = match unusable(question) {
        Some((reason, detail)) => never(reason, detail),
        None if question.driver.as_deref() == Ok(nvidia::DRIVER) => match find_nvidia(host, question) {
            Ok(place) => return Ok(place),
            Err(verdict) => *verdict,
        },
        None => match find(host, question) {
            Ok(place) => return Ok(place),
            Err(verdict) => *verdict,
        },
    };
    Err(Box::new(without_node(host, verdict)))
}

/// What the device itself rules out.
fn unusable(question: &Question<'_>) -> Option<(GpuReason, String)> {
    match (question.driver, question.render_node) {
        (Ok(driver), _) if driver == "vfio-pci" => {
            Some((GpuReason::GivenToGuest, "vfio-pci holds it for a guest".to_string()))
        }
        _ if question.display_only => Some((GpuReason::DisplayOnly, "it shows pictures and renders none".to_string())),
        (Err(_), _) => Some((GpuReason::NoDriver, "no driver is bound to it".to_string())),
        (Ok(driver), None) if driver != nvidia::DRIVER => {
            Some((GpuReason::NoDriver, format!("the driver {driver} makes no render node")))
        }
        (Ok(_), _) => None,
    }
}

/// The nodes of NVIDIA's own driver: the card's, and the one that controls them all.
fn find_nvidia(host: &Host, question: &Question<'_>) -> Result<Place, Box<Verdict>> {
    let minor = question.nvidia_minor.clone().map_err(|unknown| Box::new(unclear(unknown)))?;
    let node = |path: &str| {
        host.node(path).map_err(|unknown| {
            Box::new(match unknown.state {
                ValueState::Absent => never(GpuReason::NotPassedThrough, format!("{path} is not there (ENOENT)")),
                _ => unclear(unknown),
            })
        })
    };
    node(nvidia::CONTROL)?;
    let path = format!("/dev/nvidia{minor}");
    Ok(Place { node: node(&path)?, path, drm: false })
}

/// The node with the device's number: names can differ inside a container.
fn find(host: &Host, question: &Question<'_>) -> Result<Place, Box<Verdict>> {
    let name = question.render_node.unwrap_or_default();
    let fits = |node: &Node| {
        let number = format!("{}:{}", node.major, node.minor);
        node.kind == "char" && question.render_number.is_none_or(|wanted| wanted == number)
    };
    let path = format!("/dev/dri/{name}");
    let first = host.node(&path);
    if let Ok(node) = first.clone()
        && fits(&node)
    {
        return Ok(Place { path, node, drm: true });
    }
    let others = host.list("/dev/dri").unwrap_or_default();
    for other in others.iter().filter(|other| other.starts_with("renderD") && *other != name) {
        let path = format!("/dev/dri/{other}");
        if let Ok(node) = host.node(&path)
            && fits(&node)
        {
            return Ok(Place { path, node, drm: true });
        }
    }
    Err(Box::new(match first {
        Err(unknown) if unknown.state != ValueState::Absent => unclear(unknown),
        Err(_) => never(GpuReason::NotPassedThrough, format!("{path} is not there (ENOENT)")),
        Ok(_) => never(GpuReason::NotPassedThrough, format!("{path} is another device")),
    }))
}

/// Whether the node at `place` can be used in this machine.
pub(super) fn access(host: &Host, place: &Place, helper: Option<&HelperGpu>) -> GpuAccess {
    let verdict = judge(host, place, helper);
    let group = group_name(host, place.node.group);
    with_verdict(host, verdict, group, Ok(place.node.group), Ok(format!("{:04o}", place.node.mode)))
}

/// Asks whoever may know: the mount table, the helper, root itself, or at last an ordinary user.
fn judge(host: &Host, place: &Place, helper: Option<&HelperGpu>) -> Verdict {
    let rows = table::read(host).unwrap_or_default();
    if nodev(&rows, &place.path) {
        return never(GpuReason::Nodev, format!("the file system of {} is mounted nodev", place.path));
    }
    let unmapped = place.node.group == OVERFLOW && platform::privileged(host) == Ok(false);
    if let Some(answers) = helper {
        return by_helper(place, answers, unmapped);
    }
    let (user, access) = match (host.user(), host.access(&place.path)) {
        (Ok(user), Ok(access)) => (user, access),
        (Err(unknown), _) | (_, Err(unknown)) => return unclear(unknown),
    };
    if user.id == 0 {
        return by_root(place, access, unmapped);
    }
    by_user(place, &user.name, access.errno.as_deref(), &group_name(host, place.node.group))
}

/// As root itself tested it. The cgroup does not ask who it is, so after root passed only the mode can keep the group
/// out.
fn by_root(place: &Place, access: Access, unmapped: bool) -> Verdict {
    let group = if place.node.mode & 0o060 == 0o060 { None } else { Some("EACCES".to_string()) };
    let as_group = if access.errno.is_some() { access.clone() } else { Access { errno: group } };
    let (as_root, as_group) = (Answer::Value(access), Answer::Value(as_group));
    Verdict {
        tested_as: Ok("root; the group by its mode".to_string()),
        ..by_helper(place, &HelperGpu { as_root, as_group, open: None, codecs: None }, unmapped)
    }
}

/// As the helper, or root itself, tested it.
fn by_helper(place: &Place, answers: &HelperGpu, unmapped: bool) -> Verdict {
    let (root, group) = match (answers.as_root.reading(), answers.as_group.reading()) {
        (Ok(root), Ok(group)) => (root.errno, group.errno),
        (Err(unknown), _) | (_, Err(unknown)) => return unclear(unknown),
    };
    // faccessat never asks the driver: that nothing is behind a node shows only when it is opened.
    let opened = answers.open.as_ref().and_then(|open| open.reading().ok()?.errno);
    let dead = opened.filter(|errno| matches!(errno.as_str(), "ENXIO" | "ENODEV"));
    let (root, group) = (root.or(dead.clone()), group.or(dead));
    let reason = match root.as_deref().or(group.as_deref()) {
        None if unmapped => Some(GpuReason::GroupUnmapped),
        None => None,
        Some("EPERM") => Some(GpuReason::DeviceCgroup),
        Some("ENXIO" | "ENODEV") => Some(GpuReason::NoDriver),
        Some("ENOENT") => Some(GpuReason::NotPassedThrough),
        Some(_) if unmapped => Some(GpuReason::GroupUnmapped),
        Some(_) => Some(GpuReason::Permission),
    };
    let who = if root.is_some() { "root" } else { "its group" };
    let detail = match (root.as_ref().or(group.as_ref()), reason) {
        (Some(errno), Some(GpuReason::NoDriver)) => Ok(format!("{} has no device behind it ({errno})", place.path)),
        (Some(errno), _) => Ok(format!("{} refuses {who} ({errno})", place.path)),
        (None, Some(_)) => Ok(format!("the group of {} is not mapped here (65534)", place.path)),
        (None, None) => Err(usable()),
    };
    Verdict {
        by_root: Ok(root.is_none()),
        by_group: Ok(group.is_none() && !unmapped),
        reason: reason.ok_or_else(usable),
        detail,
        tested_as: Ok("root and the owning group, by coord-helper".to_string()),
    }
}

/// As an ordinary user sees it.
fn by_user(place: &Place, user: &str, errno: Option<&str>, group: &Reading<String>) -> Verdict {
    let tested_as = Ok(user.to_string());
    match errno {
        None => {
            let enough = place.node.mode & 0o060 == 0o060 || place.node.mode & 0o006 == 0o006;
            Verdict {
                by_root: Ok(true),
                by_group: Ok(enough),
                reason: if enough { Err(usable()) } else { Ok(GpuReason::Permission) },
                detail: if enough { Err(usable()) } else { Ok(format!("{}: its group may not use it", place.path)) },
                tested_as,
            }
        }
        Some("EPERM") => {
            let detail = format!("the device cgroup refuses {} (EPERM)", place.path);
            Verdict { tested_as, ..never(GpuReason::DeviceCgroup, detail) }
        }
        Some("ENOENT") => never(GpuReason::NotPassedThrough, format!("{} is not there (ENOENT)", place.path)),
        Some(errno) => {
            let number = place.node.group.to_string();
            let group = group.as_deref().unwrap_or(&number);
            let why = format!(
                "{errno} for user {user}, which hides the real reason: {NEEDS_HELPER}; or let the agent see it: \
                 usermod -aG {group} {user}, then restart coord-agent"
            );
            Verdict { tested_as, ..unclear(Unknown::denied(why)) }
        }
    }
}

fn usable() -> Unknown {
    Unknown::not_applicable("it is usable")
}

/// Nobody here may use it, and everybody can see why.
fn never(reason: GpuReason, detail: String) -> Verdict {
    Verdict {
        by_root: Ok(false),
        by_group: Ok(false),
        reason: Ok(reason),
        detail: Ok(detail),
        tested_as: Err(Unknown::not_applicable("nothing had to be tested")),
    }
}

fn unclear(why: Unknown) -> Verdict {
    Verdict {
        by_root: Err(why.clone()),
        by_group: Err(why.clone()),
        reason: Err(why.clone()),
        detail: Err(why.clone()),
        tested_as: Err(why),
    }
}

fn without_node(host: &Host, verdict: Verdict) -> GpuAccess {
    let absent = || Unknown::absent("there is no node");
    with_verdict(host, verdict, Err(absent()), Err(absent()), Err(absent()))
}

fn with_verdict(
    host: &Host,
    verdict: Verdict,
    group: Reading<String>,
    group_id: Reading<u32>,
    mode: Reading<String>,
) -> GpuAccess {
    GpuAccessReading {
        usable_by_root: verdict.by_root,
        usable_by_group: verdict.by_group,
        reason: verdict.reason,
        detail: verdict.detail,
        group,
        group_id,
        mode,
        tested_as: verdict.tested_as,
        render_group_id: render_group(host),
    }
    .into()
}

/// Whether the mount that holds `path` refuses devices.
fn nodev(rows: &[table::Row], path: &str) -> bool {
    let holds = |row: &&table::Row| {
        row.path == "/" || row.path == path || path.starts_with(&format!("{}/", row.path.trim_end_matches('/')))
    };
    let holder = rows.iter().filter(holds).max_by_key(|row| row.path.len());
    holder.is_some_and(|row| table::has(&row.options, "nodev"))
}

/// The name of a group in /etc/group.
fn group_name(host: &Host, group: u32) -> Reading<String> {
    let text = host.text("/etc/group")?;
    let number = group.to_string();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(number.as_str())).then(|| name.to_string())
    });
    found.ok_or_else(|| Unknown::absent(format!("/etc/group has no group {group}")))
}

/// The number of the group that render nodes belong to by custom: `render`, else `video`.
fn render_group(host: &Host) -> Reading<u32> {
    let text = host.text("/etc/group")?;
    let number = |name: &str| {
        let mut rows = text.lines().map(|line| line.split(':'));
        rows.find_map(|mut row| (row.next() == Some(name)).then(|| row.nth(1)?.parse().ok())?)
    };
    number("render")
        .or_else(|| number("video"))
        .ok_or_else(|| Unknown::absent("/etc/group has neither render nor video"))
}

#[cfg(test)]
mod tests;
