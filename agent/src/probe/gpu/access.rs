//! Whether a render node may be used, and if not why not, without opening it.
//!
//! faccessat asks mode and owner first (EACCES) and the device cgroup after them (EPERM), and never the driver. So
//! EPERM proves the cgroup whoever asks, while an ordinary user's EACCES hides everything behind the mode.

use coord_model::{
    Reading, Unknown,
    section::{GpuAccess, GpuAccessReading, GpuReason},
};

use crate::{
    host::{Access, GpuRequest, HelperGpu, Host, NEEDS_HELPER, Node},
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
struct Place {
    path: String,
    node: Node,
}

/// Whether the device can be used in this machine.
pub(super) fn access(host: &Host, question: &Question<'_>) -> GpuAccess {
    if let Some((reason, detail)) = unusable(question) {
        return without_node(never(reason, detail));
    }
    let place = match find(host, question) {
        Ok(place) => place,
        Err(verdict) => return without_node(*verdict),
    };
    let verdict = judge(host, &place);
    let group = group_name(host, place.node.group);
    with_verdict(verdict, group, Ok(place.node.group), Ok(format!("{:04o}", place.node.mode)))
}

/// What the device itself rules out.
fn unusable(question: &Question<'_>) -> Option<(GpuReason, String)> {
    match (question.driver, question.render_node) {
        (Ok(driver), _) if driver == "vfio-pci" => {
            Some((GpuReason::GivenToGuest, "vfio-pci holds it for a guest".to_string()))
        }
        _ if question.display_only => Some((GpuReason::DisplayOnly, "it shows pictures and renders none".to_string())),
        (Err(_), _) => Some((GpuReason::NoDriver, "no driver is bound to it".to_string())),
        (Ok(driver), None) => Some((GpuReason::NoDriver, format!("the driver {driver} makes no render node"))),
        (Ok(_), Some(_)) => None,
    }
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
        return Ok(Place { path, node });
    }
    let others = host.list("/dev/dri").unwrap_or_default();
    for other in others.iter().filter(|other| other.starts_with("renderD") && *other != name) {
        let path = format!("/dev/dri/{other}");
        if let Ok(node) = host.node(&path)
            && fits(&node)
        {
            return Ok(Place { path, node });
        }
    }
    Err(Box::new(match first {
        Err(unknown) if unknown.state != coord_model::ValueState::Absent => unclear(unknown),
        Err(_) => never(GpuReason::NotPassedThrough, format!("{path} is not there (ENOENT)")),
        Ok(_) => never(GpuReason::NotPassedThrough, format!("{path} is another device")),
    }))
}

/// Asks whoever may know: the mount table, the helper, root itself, or at last an ordinary user.
fn judge(host: &Host, place: &Place) -> Verdict {
    let rows = table::read(host).unwrap_or_default();
    if nodev(&rows, &place.path) {
        return never(GpuReason::Nodev, format!("the file system of {} is mounted nodev", place.path));
    }
    let unmapped = place.node.group == OVERFLOW && platform::privileged(host) == Ok(false);
    let request = GpuRequest { nodes: vec![place.path.clone()], open: Vec::new() };
    let helper = host.helper_gpu(&request).ok().and_then(|mut answers| answers.remove(&place.path));
    if let Some(answers) = helper {
        return by_helper(place, &answers, unmapped);
    }
    let (user, access) = match (host.user(), host.access(&place.path)) {
        (Ok(user), Ok(access)) => (user, access),
        (Err(unknown), _) | (_, Err(unknown)) => return unclear(unknown),
    };
    if user.id == 0 {
        // The cgroup does not ask who it is, so after root passed only the mode can keep the group out.
        let group = if place.node.mode & 0o060 == 0o060 { None } else { Some("EACCES".to_string()) };
        let as_group = if access.errno.is_some() { access.clone() } else { Access { errno: group } };
        return Verdict {
            tested_as: Ok("root; the group by its mode".to_string()),
            ..by_helper(place, &HelperGpu { as_root: access, as_group, open: None, codecs: None }, unmapped)
        };
    }
    by_user(place, &user.name, access.errno.as_deref(), &group_name(host, place.node.group))
}

/// As the helper, or root itself, tested it.
fn by_helper(place: &Place, answers: &HelperGpu, unmapped: bool) -> Verdict {
    let (root, group) = (answers.as_root.errno.as_deref(), answers.as_group.errno.as_deref());
    let reason = match root.or(group) {
        None if unmapped => Some(GpuReason::GroupUnmapped),
        None => None,
        Some("EPERM") => Some(GpuReason::DeviceCgroup),
        Some("ENXIO" | "ENODEV") => Some(GpuReason::NoDriver),
        Some("ENOENT") => Some(GpuReason::NotPassedThrough),
        Some(_) if unmapped => Some(GpuReason::GroupUnmapped),
        Some(_) => Some(GpuReason::Permission),
    };
    let who = if root.is_some() { "root" } else { "its group" };
    let detail = match (root.or(group), reason) {
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

fn without_node(verdict: Verdict) -> GpuAccess {
    let absent = || Unknown::absent("there is no node");
    with_verdict(verdict, Err(absent()), Err(absent()), Err(absent()))
}

fn with_verdict(verdict: Verdict, group: Reading<String>, group_id: Reading<u32>, mode: Reading<String>) -> GpuAccess {
    GpuAccessReading {
        usable_by_root: verdict.by_root,
        usable_by_group: verdict.by_group,
        reason: verdict.reason,
        detail: verdict.detail,
        group,
        group_id,
        mode,
        tested_as: verdict.tested_as,
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

#[cfg(test)]
mod tests {
    use coord_model::ValueState;

    use super::*;

    fn place(mode: u32, group: u32) -> Place {
        let node =
            Node { kind: "char".to_string(), mode, user: 0, group, major: 226, minor: 128, size: 0, age_seconds: 0.0 };
        Place { path: "/dev/dri/renderD128".to_string(), node }
    }

    fn helper(root: Option<&str>, group: Option<&str>, unmapped: bool) -> Verdict {
        let access = |errno: Option<&str>| Access { errno: errno.map(str::to_string) };
        by_helper(
            &place(0o660, 104),
            &HelperGpu { as_root: access(root), as_group: access(group), open: None, codecs: None },
            unmapped,
        )
    }

    #[test]
    fn the_helper_knows_every_reason() {
        for (root, group, unmapped, reason) in [
            (None, None, false, None),
            (Some("EPERM"), Some("EPERM"), false, Some(GpuReason::DeviceCgroup)),
            (None, Some("EACCES"), false, Some(GpuReason::Permission)),
            (None, Some("EACCES"), true, Some(GpuReason::GroupUnmapped)),
            (None, None, true, Some(GpuReason::GroupUnmapped)),
            (Some("ENXIO"), Some("ENXIO"), false, Some(GpuReason::NoDriver)),
        ] {
            let verdict = helper(root, group, unmapped);
            assert_eq!(verdict.reason.clone().ok(), reason, "{root:?} {group:?}");
            assert_eq!(verdict.by_root, Ok(root.is_none()));
            assert_eq!(verdict.by_group, Ok(group.is_none() && !unmapped));
            assert_eq!(verdict.detail.is_ok(), reason.is_some());
        }
    }

    #[test]
    fn an_ordinary_user_never_guesses() {
        let group = Ok("render".to_string());
        let refused = by_user(&place(0o660, 104), "coord-agent", Some("EACCES"), &group);
        let why = refused.by_root.unwrap_err();
        assert_eq!(why.state, ValueState::Denied);
        assert!(why.message.contains("usermod -aG render coord-agent"), "{}", why.message);
        assert!(refused.by_group.is_err() && refused.reason.is_err());
    }

    #[test]
    fn what_an_ordinary_user_can_prove_counts() {
        let group = Ok("render".to_string());
        let usable = by_user(&place(0o660, 104), "coord-agent", None, &group);
        assert_eq!((usable.by_root, usable.by_group), (Ok(true), Ok(true)));
        let cgroup = by_user(&place(0o660, 104), "coord-agent", Some("EPERM"), &group);
        assert_eq!((cgroup.by_root, cgroup.reason), (Ok(false), Ok(GpuReason::DeviceCgroup)));
    }

    #[test]
    fn the_deepest_mount_decides_about_nodev() {
        let rows = table::parse(
            "1 0 8:1 / / rw,nodev - ext4 /dev/sda1 rw\n2 1 0:6 / /dev rw - devtmpfs udev rw\n\
             3 2 0:7 / /dev/dri rw,nodev - tmpfs none rw",
        );
        assert!(nodev(&rows, "/dev/dri/renderD128"));
        assert!(!nodev(&rows[..2], "/dev/dri/renderD128"));
        assert!(nodev(&rows[..1], "/dev/dri/renderD128"));
        assert!(!nodev(&[], "/dev/dri/renderD128"));
    }
}
