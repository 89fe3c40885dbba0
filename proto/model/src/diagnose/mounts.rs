//! Problems of network and user-space mounts.

use alloc::{format, string::String, vec::Vec};

use crate::{
    Code, Problem, Report,
    section::{Mount, MountState},
};

/// Every mount that does not answer as it should.
pub(super) fn mounts(report: &Report, problems: &mut Vec<Problem>) {
    let Some(mounts) = report.mounts.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    problems.extend(mounts.mounts.iter().flatten().filter_map(one));
}

fn one(mount: &Mount) -> Option<Problem> {
    let code = match mount.state? {
        MountState::Ok | MountState::IdleAutomount | MountState::Unrecognised(_) => return None,
        MountState::Slow => Code::MountSlow,
        MountState::ServerDown => Code::MountServerDown,
        MountState::ServiceDown => Code::MountServiceDown,
        MountState::Stuck => Code::MountStuck,
        MountState::Leaked => Code::MountLeaked,
        MountState::Stale => Code::MountStale,
        MountState::ReadOnly => Code::MountReadOnly,
        MountState::Missing => Code::MountMissing,
        MountState::Denied => Code::MountDenied,
        MountState::WrongSource => Code::MountWrongSource,
    };
    let path = mount.paths.as_ref().and_then(|paths| paths.first()).map_or("?", String::as_str);
    let source = mount.source.as_deref().unwrap_or("?");
    let detail = mount.detail.as_deref().filter(|detail| !detail.is_empty()).unwrap_or(code.as_str());
    Some(Problem::new(code, format!("mount/{path}"), format!("{path} from {source}: {detail}")))
}
