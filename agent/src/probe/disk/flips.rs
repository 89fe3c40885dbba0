//! How often a local file system turned read-only while the agent watched.

use std::collections::BTreeMap;

use coord_model::Reading;
use serde::{Deserialize, Serialize};

/// What was last seen of each local file system, by device number and source: a number alone is used again.
pub(crate) type FlipMemory = BTreeMap<String, Flips>;

/// One file system between two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Flips {
    /// Whether it was read-only when it was last seen.
    read_only: bool,
    /// How often it had turned read-only by then.
    count: u32,
}

/// Counts one reading: a file system that is seen for the first time has not turned yet.
pub(super) fn count(before: &FlipMemory, after: &mut FlipMemory, key: String, read_only: bool) -> Reading<u32> {
    let count = match before.get(&key) {
        Some(seen) => seen.count.saturating_add(u32::from(read_only && !seen.read_only)),
        None => 0,
    };
    after.insert(key, Flips { read_only, count });
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_turn_to_read_only_counts() {
        let mut memory = FlipMemory::new();
        let seen: Vec<u32> = [false, true, true, false, true]
            .into_iter()
            .map(|read_only| {
                let before = memory.clone();
                count(&before, &mut memory, "8:1 /dev/sda1".to_string(), read_only).unwrap()
            })
            .collect();
        assert_eq!(seen, [0, 1, 1, 1, 2]);
    }

    #[test]
    fn one_that_was_read_only_from_the_start_has_not_turned() {
        assert_eq!(count(&FlipMemory::new(), &mut FlipMemory::new(), "8:1 /dev/sda1".to_string(), true), Ok(0));
    }
}
