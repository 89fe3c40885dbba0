//! Steadiness by example, second by second.

use alloc::string::ToString;

use super::*;

const MINUTE: u64 = 60;

fn at(second: u64) -> Boot {
    Boot(Duration::from_secs(second))
}

fn fact() -> FactAt {
    FactAt { node: "w3".to_string(), rule: "gpu.usable".to_string() }
}

/// A machine that has been calm since second 0 of an hour that begins at 3600.
struct Story {
    memories: Memories,
    calm: Option<Boot>,
    last: Option<Judged>,
}

impl Story {
    fn new() -> Self {
        Self { memories: Memories::new(), calm: Some(at(0)), last: None }
    }

    fn says(&mut self, second: u64, truth: &Truth) -> Option<bool> {
        let said = Said { truth: truth.clone(), calm_since: self.calm };
        self.memories = fold(&self.memories, &BTreeMap::from([(fact(), said.clone())]), at(second));
        let judged = judged(&self.memories[&fact()], &said, at(second));
        let settled = judged.settled;
        self.last = Some(judged);
        settled
    }

    fn last(&self) -> &Judged {
        self.last.as_ref().expect("something was said")
    }
}

fn unknown() -> Truth {
    Truth::Unknown("no report".to_string())
}

#[test]
fn true_settles_after_ten_seconds_and_false_after_a_minute() {
    let mut story = Story::new();
    assert_eq!(story.says(3600, &Truth::True), None);
    assert_eq!(story.last().settles, Some(at(3610)));
    assert_eq!(story.says(3609, &Truth::True), None);
    assert_eq!(story.says(3610, &Truth::True), Some(true));
    assert_eq!(story.last().settles, None);
    assert_eq!(story.says(3700, &Truth::False), Some(true));
    assert_eq!(story.says(3759, &Truth::False), Some(true));
    assert_eq!(story.says(3760, &Truth::False), Some(false));
}

#[test]
fn nothing_is_lost_within_five_minutes_of_a_start() {
    let mut story = Story::new();
    story.says(3600, &Truth::True);
    story.says(3610, &Truth::True);
    story.calm = Some(at(3650));
    assert_eq!(story.says(3660, &Truth::False), Some(true));
    assert_eq!(story.last().settles, Some(at(3950)));
    assert_eq!(story.says(3949, &Truth::False), Some(true));
    assert_eq!(story.says(3950, &Truth::False), Some(false));
    let mut story = Story { calm: None, ..Story::new() };
    assert_eq!(story.says(4000, &Truth::False), None);
    assert_eq!(story.last().settles, Some(at(4300)), "a start that nobody knows may have been just now");
}

#[test]
fn what_is_not_known_changes_nothing_and_starts_the_time_again() {
    let mut story = Story::new();
    story.says(3600, &Truth::True);
    story.says(3610, &Truth::True);
    story.says(3620, &Truth::False);
    assert_eq!(story.says(3670, &unknown()), Some(true));
    assert_eq!(story.says(9000, &unknown()), Some(true));
    assert_eq!(story.last().since, at(3670));
    assert_eq!(story.says(9001, &Truth::False), Some(true));
    assert_eq!(story.last().settles, Some(at(9061)));
    assert_eq!(story.memories[&fact()].changes, [at(3620)], "the same answer after a gap is no change");
}

/// Settled true, then three changes; the third at 3650.
fn flapping() -> Story {
    let mut story = Story::new();
    story.says(3600, &Truth::True);
    story.says(3610, &Truth::True);
    story.says(3630, &Truth::False);
    story.says(3640, &Truth::True);
    story.says(3650, &Truth::False);
    story
}

#[test]
fn three_changes_freeze_until_half_an_hour_is_quiet() {
    let mut story = flapping();
    let until = 3650 + 30 * MINUTE;
    assert_eq!(story.last().frozen, Some(at(until)));
    assert_eq!(story.says(until - 1, &Truth::False), Some(true));
    assert_eq!(story.says(until, &Truth::False), Some(false));
    assert_eq!(story.last().frozen, None);
}

#[test]
fn every_change_while_frozen_prolongs_it() {
    let mut story = flapping();
    let late = 3650 + 29 * MINUTE;
    story.says(late, &Truth::True);
    assert_eq!(story.last().frozen, Some(at(late + 30 * MINUTE)));
    assert_eq!(story.says(late + 29 * MINUTE, &Truth::True), Some(true));
    story.says(late + 31 * MINUTE, &Truth::False);
    assert_eq!(story.last().frozen, None, "one change after a quiet half hour is one change");
}

#[test]
fn a_person_thaws_it_and_later_changes_count_again() {
    let mut story = flapping();
    if let Some(memory) = story.memories.get_mut(&fact()) {
        memory.resumed = Some(at(3700));
    }
    assert_eq!(story.says(3720, &Truth::False), Some(false));
    assert_eq!(story.last().frozen, None);
    story.says(3730, &Truth::True);
    assert_eq!(story.last().frozen, None);
    story.says(3735, &Truth::False);
    story.says(3740, &Truth::True);
    assert!(story.last().frozen.is_some());
}

#[test]
fn a_freeze_outlives_a_restart_and_steadiness_does_not() {
    let mut story = flapping();
    let changes = story.memories[&fact()].changes.clone();
    let stored = Memory { truth: unknown(), since: at(3700), known: None, settled: None, changes, resumed: None };
    story.memories = Memories::from([(fact(), stored)]);
    assert_eq!(story.says(3700, &Truth::False), None);
    assert_eq!(story.last().frozen, Some(at(3650 + 30 * MINUTE)));
}

#[test]
fn a_rule_that_is_asked_no_more_leaves_only_changes_that_count() {
    let story = flapping();
    let after = fold(&story.memories, &BTreeMap::new(), at(3700));
    let memory = &after[&fact()];
    assert_eq!((memory.known, memory.settled, memory.changes.len()), (None, None, 3));
    assert!(fold(&after, &BTreeMap::new(), at(3650 + 30 * MINUTE)).is_empty());
}
