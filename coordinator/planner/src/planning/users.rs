//! Who is hurt when a label goes, and how: said by what happens to them.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{Change, LabelAt, LabelUser, Survey, UserKind};

/// So many are named; the rest is counted.
const NAMED: usize = 3;

/// The label whose users must be known before this change: one that goes or gets another value.
pub(super) fn asked(change: &Change) -> Option<LabelAt> {
    match change {
        Change::RemoveLabel { node, key, .. } | Change::SetLabel { node, key, before: Some(_), .. } => {
            Some(LabelAt { node: node.clone(), key: key.clone() })
        }
        Change::SetLabel { before: None, .. } | Change::SetTaint { .. } | Change::RemoveTaint { .. } => None,
    }
}

/// Users beside Coord's own workers.
pub(super) fn others(survey: &Survey) -> impl Iterator<Item = &LabelUser> {
    survey.users.iter().filter(|user| !user.own)
}

/// Who relies on it, as far as an approval is for them alone: pods come and go by other names, so that there are any is
/// all that counts of them.
pub(super) fn relying(survey: &Survey) -> Vec<String> {
    let one = |user: &LabelUser| match user.kind {
        UserKind::DaemonSet | UserKind::Volume => format!("{} {}", noun(user.kind), user.name),
        UserKind::Pod => "pods".to_string(),
    };
    let mut all: Vec<String> = others(survey).map(one).collect();
    all.sort();
    all.dedup();
    all
}

/// Writes them into the change, where it can hurt anybody.
pub(super) fn name(change: &mut Change, survey: &Survey) {
    match change {
        Change::SetLabel { users, .. } | Change::RemoveLabel { users, .. } => *users = relying(survey),
        Change::SetTaint { .. } | Change::RemoveTaint { .. } => {}
    }
}

/// One clause for each kind of user; empty without any.
pub(super) fn words(survey: &Survey) -> String {
    let kinds = [UserKind::DaemonSet, UserKind::Pod, UserKind::Volume];
    let clauses: Vec<String> = kinds.into_iter().filter_map(|kind| clause(kind, survey)).collect();
    clauses.join("; ")
}

fn clause(kind: UserKind, survey: &Survey) -> Option<String> {
    let mut names: Vec<&str> = others(survey).filter(|user| user.kind == kind).map(|user| user.name.as_str()).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    let shown = names.get(..NAMED.min(names.len()))?.join(", ");
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!shown.is_empty()).then(|| format!("{} {shown}{more} {}", noun(kind), fate(kind)).to_string())
}

const fn noun(kind: UserKind) -> &'static str {
    match kind {
        UserKind::DaemonSet => "DaemonSet",
        UserKind::Pod => "pod",
        UserKind::Volume => "volume",
    }
}

const fn fate(kind: UserKind) -> &'static str {
    match kind {
        UserKind::DaemonSet => "(its pods here stop at once)",
        UserKind::Pod => "(refused when the kubelet starts next)",
        UserKind::Volume => "(cannot be used here any more)",
    }
}
