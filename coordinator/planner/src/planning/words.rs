//! Texts of a plan that many rows share: a home has thousands of rows and a handful of keys, values and rules.

use alloc::{collections::BTreeSet, sync::Arc};
use core::cell::RefCell;

/// Every text that was shared this turn.
#[derive(Default)]
pub(super) struct Words {
    known: RefCell<BTreeSet<Arc<str>>>,
}

impl Words {
    /// The one copy of `text`.
    pub(super) fn shared(&self, text: &str) -> Arc<str> {
        let mut known = self.known.borrow_mut();
        if let Some(word) = known.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = Arc::from(text);
        known.insert(Arc::clone(&word));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_kept_once() {
        let words = Words::default();
        let (one, other) = (words.shared("gpu"), words.shared("gpu"));
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(&*words.shared("zone"), "zone");
    }
}
