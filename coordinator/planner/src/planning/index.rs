//! Who has a value, where it matters that only one has it.

use alloc::vec::Vec;

/// Values and their holders in order: ten thousand are sorted faster than a map of them is built.
pub(super) struct Index<K> {
    entries: Vec<(K, usize)>,
}

impl<K: Ord> Index<K> {
    /// Of all holders that have a value, by their position.
    pub(super) fn new(entries: impl Iterator<Item = (K, usize)>) -> Self {
        let mut entries: Vec<(K, usize)> = entries.collect();
        entries.sort_unstable();
        Self { entries }
    }

    /// Everyone with this value.
    pub(super) fn holders(&self, value: &K) -> &[(K, usize)] {
        let first = self.entries.partition_point(|(other, _)| other < value);
        let rest = self.entries.get(first..).unwrap_or_default();
        let length = rest.iter().take_while(|(other, _)| other == value).count();
        rest.get(..length).unwrap_or_default()
    }

    /// The one with this value, if it is one.
    pub(super) fn only(&self, value: &K) -> Option<usize> {
        match self.holders(value) {
            [(_, holder)] => Some(*holder),
            _ => None,
        }
    }
}
