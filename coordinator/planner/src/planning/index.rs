//! Who has a value, where it matters that only one has it.

use alloc::vec::Vec;
use core::cell::Cell;

/// So many bytes of a text are compared as one number.
const START: usize = size_of::<u128>();

/// Texts and their holders in order: ten thousand are sorted faster than a map of them is built. The start of a text
/// stands beside it as a number, so that most comparisons need not go where the text is.
pub(super) struct Index<K> {
    entries: Vec<(u128, K, usize)>,
    /// The place after the last answer: names are mostly asked for in their order.
    next: Cell<usize>,
}

impl<K: Ord + AsRef<str>> Index<K> {
    /// Of all holders that have a value, by their position.
    pub(super) fn new(entries: impl Iterator<Item = (K, usize)>) -> Self {
        let mut entries: Vec<_> = entries.map(|(value, holder)| (start(value.as_ref()), value, holder)).collect();
        entries.sort_unstable();
        Self { entries, next: Cell::new(0) }
    }

    /// The one with this value, if it is one.
    pub(super) fn only(&self, value: &str) -> Option<usize> {
        let wanted = (start(value), value);
        let is = |at: usize| self.at(at).filter(|(one, _)| *one == wanted).map(|(_, holder)| holder);
        let guess = self.next.get();
        let before = guess.checked_sub(1).and_then(is);
        let first = match (before, is(guess)) {
            (None, Some(_)) => guess,
            (Some(_), _) | (None, None) => self.entries.partition_point(|entry| content(entry) < wanted),
        };
        self.next.set(first.saturating_add(1));
        is(first).filter(|_| is(first.saturating_add(1)).is_none())
    }

    fn at(&self, place: usize) -> Option<((u128, &str), usize)> {
        self.entries.get(place).map(|entry| (content(entry), entry.2))
    }
}

fn content<K: AsRef<str>>((start, value, _): &(u128, K, usize)) -> (u128, &str) {
    (*start, value.as_ref())
}

/// Its first bytes as a number; texts are in the same order as these numbers, as far as they differ.
fn start(text: &str) -> u128 {
    let mut bytes = [0; START];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holder_counts() {
        let texts = ["node-00001", "a-name-that-is-longer-1", "a-name-that-is-longer-2", "twice", "twice", ""];
        let index = Index::new(texts.into_iter().enumerate().map(|(at, text)| (text, at)));
        assert_eq!(index.only("node-00001"), Some(0));
        assert_eq!(index.only("a-name-that-is-longer-2"), Some(2));
        assert_eq!(index.only(""), Some(5));
        assert_eq!(index.only("node-00001"), Some(0), "asked again");
        assert_eq!((index.only("a-name-that-is-longer-1"), index.only("a-name-that-is-longer-2")), (Some(1), Some(2)));
        for absent in ["twice", "twice", "node-0000", "a-name-that-is-longer-", "zebra"] {
            assert_eq!(index.only(absent), None, "{absent}");
        }
    }
}
