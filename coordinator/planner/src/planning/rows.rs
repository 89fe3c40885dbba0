//! How the plan lists the labels and taints of one Node.

use alloc::{format, sync::Arc};

use super::{want::Why, words::Words};
use crate::{Cause, Kept, KubeNode, Taint, TaintKey};

/// Makes the rows of one Node.
pub(super) struct Rows<'a> {
    /// The Node.
    pub(super) node: &'a KubeNode,
    name: Arc<str>,
    words: &'a Words,
}

impl<'a> Rows<'a> {
    /// Of this Node.
    pub(super) fn new(node: &'a KubeNode, words: &'a Words) -> Self {
        Self { node, name: Arc::from(node.name.as_str()), words }
    }

    /// Why a label has its value, in the plan's words.
    pub(super) fn cause(&self, why: Why<'_>) -> Cause {
        match why {
            Why::Topology => Cause::Topology,
            Why::Declared => Cause::Declared,
            Why::Default => Cause::Default,
            Why::Rule(text) => Cause::Rule(self.words.shared(text)),
        }
    }

    /// Why a label should go whose rule is false.
    pub(super) fn denied(&self, rule: &str) -> Cause {
        Cause::RuleFalse(self.words.shared(rule))
    }

    /// A label.
    pub(super) fn label(
        &self,
        key: &str,
        (wanted, live): (Option<&str>, Option<&str>),
        cause: Cause,
        state: &'static str,
    ) -> Kept {
        let shared = |text: Option<&str>| text.map(|text| self.words.shared(text));
        let wanted_text = shared(wanted);
        let live = if live == wanted { wanted_text.clone() } else { shared(live) };
        let (node, key) = (Arc::clone(&self.name), self.words.shared(key));
        Kept { node, key, taint: false, wanted: wanted_text, live, cause, state }
    }

    /// A taint. Without a wanted one it should go.
    pub(super) fn taint(
        &self,
        which: &TaintKey,
        wanted: Option<&Taint>,
        live: Option<&Taint>,
        state: &'static str,
    ) -> Kept {
        let key = self.words.shared(&format!("{}:{:?}", which.key, which.effect));
        let value = |taint: Option<&Taint>| taint.map(|taint| self.words.shared(&taint.value));
        let cause = if wanted.is_some() { Cause::Declared } else { Cause::Dropped };
        Kept { node: Arc::clone(&self.name), key, taint: true, wanted: value(wanted), live: value(live), cause, state }
    }
}
