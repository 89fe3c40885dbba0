//! Declared taints against live ones. A taint is Coord's if the Node's annotation says that Coord set it.

use alloc::{collections::BTreeMap, format, vec::Vec};

use super::{
    matching::Matched,
    rows::Rows,
    wish::{Verdict, Wish},
};
use crate::{Change, Kept, KubeNode, Plan, Taint, TaintEffect, TaintKey, TimedWait, taint_subject};

/// Kubernetes sets and clears taints below these itself, as the life of a Node goes on.
const LIFECYCLE: [&str; 2] = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

type Place<'a> = (&'a str, TaintEffect);

/// The wishes of one Node, and whether its annotation lists taints that are gone and that nobody wants.
pub(super) fn compare(matched: &Matched<'_>, rows: &Rows<'_>, plan: &mut Plan) -> (Vec<Wish>, bool) {
    let node = matched.node;
    let declared: BTreeMap<Place<'_>, &Taint> =
        matched.declared.taints.iter().map(|taint| (place(taint), taint)).collect();
    let mut wishes: Vec<Wish> = declared.values().filter_map(|taint| set(rows, taint, plan)).collect();
    let unwanted = |owned: &&TaintKey| !declared.contains_key(&(owned.key.as_str(), owned.effect));
    wishes.extend(node.owned_taints.iter().filter(unwanted).filter_map(|owned| remove(rows, owned)));
    (wishes, node.owned_taints.iter().filter(unwanted).any(|owned| live(node, owned).is_none()))
}

/// Those of [`KubeNode::owned_taints`] that are there or still wanted.
pub(super) fn still_owned(node: &KubeNode, declared: &[Taint]) -> Vec<TaintKey> {
    let wanted = |owned: &TaintKey| declared.iter().any(|taint| place(taint) == (owned.key.as_str(), owned.effect));
    node.owned_taints.iter().filter(|owned| wanted(owned) || live(node, owned).is_some()).cloned().collect()
}

/// Which taint it is.
pub(super) fn key_of(taint: &Taint) -> TaintKey {
    TaintKey { key: taint.key.clone(), effect: taint.effect }
}

fn place(taint: &Taint) -> Place<'_> {
    (&taint.key, taint.effect)
}

fn live<'a>(node: &'a KubeNode, which: &TaintKey) -> Option<&'a Taint> {
    node.taints.iter().find(|taint| place(taint) == (which.key.as_str(), which.effect))
}

fn lifecycle(key: &str) -> bool {
    LIFECYCLE.iter().any(|prefix| key.starts_with(prefix))
}

fn set(rows: &Rows<'_>, taint: &Taint, plan: &mut Plan) -> Option<Wish> {
    let node = rows.node;
    let which = key_of(taint);
    let live = live(node, &which);
    let owned = node.owned_taints.contains(&which);
    let row = |state| rows.taint(&which, Some(taint), live, state);
    if lifecycle(&taint.key) {
        plan.waits.push(of_kubernetes(node, taint));
        plan.kept.push(row("lifecycle-taint"));
        return None;
    }
    match live {
        Some(_) if !owned => {
            plan.waits.push(foreign(node, taint));
            plan.kept.push(row("foreign-taint"));
            None
        }
        Some(live) if live.value == taint.value => {
            plan.kept.push(row("in place"));
            None
        }
        _ => {
            let before = live.map(|live| live.value.clone());
            let change = Change::SetTaint { node: node.name.clone(), taint: taint.clone(), before };
            Some(wish(change, row("")))
        }
    }
}

fn remove(rows: &Rows<'_>, owned: &TaintKey) -> Option<Wish> {
    let live = live(rows.node, owned).filter(|_| !lifecycle(&owned.key))?;
    let change = Change::RemoveTaint { node: rows.node.name.clone(), taint: live.clone() };
    Some(wish(change, rows.taint(owned, None, Some(live), "")))
}

fn wish(change: Change, kept: Kept) -> Wish {
    Wish { change, kept, gladly: false, verdict: Verdict::Act { approved: false } }
}

fn foreign(node: &KubeNode, taint: &Taint) -> TimedWait {
    let message = format!("taint {taint} is declared; one of this key and effect was there before Coord");
    TimedWait::new(taint_subject(&node.name, &taint.key), "foreign-taint", message)
        .hint(format!("coordctl taint adopt {} {}", node.name, taint.key))
}

fn of_kubernetes(node: &KubeNode, taint: &Taint) -> TimedWait {
    let message = format!("taint {taint} is declared, and Kubernetes itself sets and clears this key");
    TimedWait::new(taint_subject(&node.name, &taint.key), "lifecycle-taint", message)
        .hint("take it out of the cluster file")
}
