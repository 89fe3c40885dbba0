//! What one Node should get or lose, before anybody was asked.

use alloc::{string::String, vec::Vec};

use super::{Turn, labels, matching::Matched, rows::Rows, taints, want::RuleKeys, words::Words};
use crate::{Change, Kept, KubeNode, Plan};

/// Why a change needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Coord has changed nothing in this cluster before.
    FirstTurn,
    /// The policy.
    Policy,
    /// It moves a Node to another zone or region.
    Place,
    /// Somebody uses the label.
    Users,
    /// It sets a taint that evicts pods.
    Evicts,
    /// Too much would be taken at a time.
    Brake,
}

/// What becomes of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is done; whether a person approved it.
    Act {
        /// The brake does not count it then.
        approved: bool,
    },
    /// A person is asked.
    Ask(Need),
    /// The policy is off.
    Off,
    /// By this pause.
    Paused(String),
    /// This coordinator may not write.
    NoLease,
    /// Who uses the label is being asked.
    Survey,
    /// The cluster refused the last write to this Node a moment ago.
    Refused,
}

/// A change that is wanted.
pub(super) struct Wish {
    /// What.
    pub(super) change: Change,
    /// How the plan lists it; its state is the verdict's.
    pub(super) kept: Kept,
    /// Its rule says that it goes whoever uses it.
    pub(super) gladly: bool,
    /// What becomes of it.
    pub(super) verdict: Verdict,
}

/// One Node on which something is to be done.
pub(super) struct Work<'a> {
    /// The declared name.
    pub(super) name: &'a str,
    /// The Node.
    pub(super) node: &'a KubeNode,
    /// Changes of labels.
    pub(super) labels: Vec<Wish>,
    /// Changes of taints.
    pub(super) taints: Vec<Wish>,
    /// The annotation lists taints that are gone and not wanted: the list is put right.
    pub(super) stale: bool,
}

impl Work<'_> {
    /// Whether there is nothing to do.
    pub(super) fn is_done(&self) -> bool {
        self.labels.is_empty() && self.taints.is_empty() && !self.stale
    }

    /// All wishes.
    pub(super) fn wishes_mut(&mut self) -> impl Iterator<Item = &mut Wish> {
        self.labels.iter_mut().chain(&mut self.taints)
    }
}

/// What is to be done on one Node. What is in place or not ours is said in `plan`.
pub(super) fn work<'a>(
    turn: &Turn<'a>,
    keys: &RuleKeys<'a>,
    words: &Words,
    matched: &Matched<'a>,
    plan: &mut Plan,
) -> Work<'a> {
    let rows = Rows::new(matched.node, words);
    let mut labels = labels::compare(turn, keys, matched, &rows, plan);
    let (mut taints, stale) = taints::compare(matched, &rows, plan);
    for wishes in [&mut labels, &mut taints] {
        wishes.sort_by(|a, b| a.kept.key.cmp(&b.kept.key));
    }
    Work { name: matched.name, node: matched.node, labels, taints, stale }
}

/// A key and its old form change together or not at all.
pub(super) fn join_twins(works: &mut [Work<'_>]) {
    for work in works {
        for (stable, old) in super::ownership::TWINS {
            let place = |key: &str| work.labels.iter().position(|wish| &*wish.kept.key == key);
            let (Some(one), Some(other)) = (place(stable), place(old)) else { continue };
            let held = [one, other].into_iter().find_map(|at| work.labels.get(at).and_then(not_done));
            for at in [one, other] {
                if let (Some(verdict), Some(wish)) = (held.clone(), work.labels.get_mut(at)) {
                    wish.verdict = verdict;
                }
            }
        }
    }
}

fn not_done(wish: &Wish) -> Option<Verdict> {
    (!matches!(wish.verdict, Verdict::Act { .. })).then(|| wish.verdict.clone())
}
