//! Who has a value, where it matters that only one has it.

use alloc::vec::Vec;

/// So many bytes of a text are compared as one number.
const START: usize = size_of::<u128>();

/// Texts and their holders in order: ten thousand are sorted faster than a map of them is built. The start of a text
/// stands beside it as a number, so that most comparisons need not go where the text is.
pub(super) struct Index<K> {
    entries: Vec<(u128, K, usize)>,
}

impl<K: Ord + AsRef<str>> Index<K> {
    /// Of all holders that have a value, by their position.
    pub(super) fn new(entries: impl Iterator<Item = (K, usize)>) -> Self {
        let mut entries: Vec<_> = entries.map(|(value, holder)| (start(value.as_ref()), value, holder)).collect();
        entries.sort_unstable();
        Self { entries }
    }

    /// The one with this value, if it is one.
    pub(super) fn only(&self, value: &str) -> Option<usize> {
        let wanted = (start(value), value);
        let first = self.entries.partition_point(|(start, other, _)| (*start, other.as_ref()) < wanted);
        let same = |(start, other, _): &&(u128, K, usize)| (*start, other.as_ref()) == wanted;
        let mut holders = self.entries.get(first..).unwrap_or_default().iter().take_while(same);
        match (holders.next(), holders.next()) {
            (Some((.., holder)), None) => Some(*holder),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }
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
        for absent in ["twice", "node-0000", "a-name-that-is-longer-", "zebra"] {
            assert_eq!(index.only(absent), None, "{absent}");
        }
    }
}
