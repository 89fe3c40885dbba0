//! What all writes share: who may write, what an answer means, and what is remembered of a refusal.

use coord_planner::{WriteLease, WriteRefusal};

use super::{
    Refused,
    connect::Connection,
    failure::{Failure, Kind},
    reduce::reduce,
    seen::SeenNode,
    state::Shared,
};

/// The field manager of taints and of the annotation that lists them.
pub(super) const TAINT_MANAGER: &str = "coord-taints";

impl Shared {
    /// The way to the cluster, for the holder of the Lease only. Whoever writes asks right before.
    pub(super) fn writer(&self) -> Result<Connection, Refused> {
        match self.lease() {
            WriteLease::Held { .. } => {}
            WriteLease::Other { holder } => {
                return Err(Refused::passing(format!("another coordinator holds the Lease: {holder}")));
            }
            WriteLease::Asking => return Err(Refused::passing("this coordinator does not hold the Lease yet")),
            WriteLease::Refused { why, hint } => return Err(Refused { again: true, ..Refused::new(why, hint) }),
        }
        self.connection().ok_or_else(|| Refused::passing("the Kubernetes cluster cannot be used"))
    }

    /// Whether `node` may be tried again already.
    pub(super) fn patient(&self, node: &str) -> Result<(), Refused> {
        let now = self.now();
        let known = self.known();
        match known.patience.until(node, now) {
            None => Ok(()),
            Some(until) => {
                let seconds = until.since(now).as_secs().saturating_add(1);
                Err(Refused::passing(format!("node {node} is tried again in {seconds} s")))
            }
        }
    }

    /// Remembers how a planned write ended; its answer is what the Node is now.
    pub(super) fn concluded(&self, node: &str, outcome: Result<SeenNode, Failure>) -> Result<(), Refused> {
        match outcome {
            Ok(written) => {
                let mut known = self.known();
                known.patience.done(node);
                known.refusals.remove(node);
                drop(known);
                self.saw(reduce(written));
                Ok(())
            }
            Err(failure) => {
                self.note(node, &failure);
                Err(failure.into())
            }
        }
    }

    fn note(&self, node: &str, failure: &Failure) {
        let now = self.now();
        let mut known = self.known();
        match failure.kind {
            Kind::Moved | Kind::Missing => known.patience.conflict(node),
            Kind::Busy(after) => known.patience.busy(after, now),
            Kind::Away => known.patience.failed(node, now),
            Kind::Denied | Kind::Refused => {
                let Failure { kind: _, why, hint, sent: _ } = failure.clone();
                known.refusals.insert(node.to_owned(), WriteRefusal { at: now, why, hint });
            }
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let again = match failure.kind {
            Kind::Moved | Kind::Missing | Kind::Busy(_) | Kind::Away => true,
            Kind::Denied | Kind::Refused => false,
        };
        Self { why: failure.why, hint: failure.hint, again, sent: failure.sent }
    }
}
