//! How soon a write may be tried again: pure, by node, and for all nodes when the cluster is overloaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use coord_model::Boot;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Failures in a row and the end of the pause, by node.
    nodes: BTreeMap<String, (u32, Boot)>,
    /// The cluster asked everybody to wait until then.
    all: Option<Boot>,
    /// Nodes that changed while they were written.
    moving: BTreeSet<String>,
}

impl Patience {
    /// Until when `node` has to wait, if it has to.
    pub(super) fn until(&self, node: &str, now: Boot) -> Option<Boot> {
        let own = self.nodes.get(node).map(|(_, until)| *until);
        own.max(self.all).filter(|until| *until > now)
    }

    /// A write failed for a reason that passes.
    pub(super) fn failed(&mut self, node: &str, now: Boot) {
        let (times, until) = self.nodes.entry(node.to_owned()).or_default();
        *until = now.plus(FIRST.saturating_mul(1 << (*times).min(6)).min(LONGEST));
        *times = times.saturating_add(1);
    }

    /// The cluster is overloaded, and may have said for how long.
    pub(super) fn busy(&mut self, after: Option<Duration>, now: Boot) {
        self.all = Some(now.plus(after.unwrap_or(FIRST).clamp(FIRST, LONGEST)));
    }

    /// A write was carried out.
    pub(super) fn done(&mut self, node: &str) {
        self.nodes.remove(node);
        self.moving.remove(node);
    }

    /// A node changed while it was written: its next version is waited for.
    pub(super) fn conflict(&mut self, node: &str) {
        self.moving.insert(node.to_owned());
    }

    /// A new version of a node is there; says whether it was waited for.
    pub(super) fn moved(&mut self, node: &str) -> bool {
        self.moving.remove(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Boot {
        Boot(Duration::from_secs(seconds))
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_end_with_success() {
        let mut patience = Patience::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            patience.failed("a", at(100));
            pauses.push(patience.until("a", at(100)).map_or(0, |until| until.0.as_secs() - 100));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(patience.until("b", at(100)), None);
        patience.done("a");
        assert_eq!(patience.until("a", at(100)), None);
    }

    #[test]
    fn an_overloaded_cluster_is_left_alone_by_all_for_as_long_as_it_asks() {
        let mut patience = Patience::default();
        patience.busy(Some(Duration::from_secs(7)), at(100));
        assert_eq!(patience.until("a", at(106)), Some(at(107)));
        assert_eq!(patience.until("a", at(107)), None);
        patience.busy(Some(Duration::from_secs(86_400)), at(200));
        assert_eq!(patience.until("a", at(200)), Some(at(260)));
    }

    #[test]
    fn a_conflict_makes_the_next_version_matter_once() {
        let mut patience = Patience::default();
        patience.conflict("a");
        assert!(patience.moved("a"));
        assert!(!patience.moved("a"));
    }
}
