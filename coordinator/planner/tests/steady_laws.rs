//! The laws of steadiness over random hours: what may be acted on changes slowly, and a restart forgets no freeze.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::{collections::BTreeMap, time::Duration};

use coord_model::Boot;
use coord_planner::{FactAt, GAINED_AFTER, Judged, LOST_AFTER, Memories, Memory, Said, Truth, fold, judged};
use proptest::prelude::*;

/// Seconds since the sentence before, what the rule says, and whether the coordinator starts before it is heard.
type Sentence = (u64, Option<bool>, bool);

fn sentences() -> impl Strategy<Value = Vec<Sentence>> {
    let pause = prop_oneof![6 => 1u64..30, 3 => 30u64..120, 1 => 120u64..2400];
    let answer = prop_oneof![3 => Just(Some(true)), 3 => Just(Some(false)), 1 => Just(None)];
    prop::collection::vec((pause, answer, prop::bool::weighted(0.05)), 1..60)
}

/// One rule on one node, second by second; the machine has been calm for long.
struct Hour {
    now: Boot,
    memories: Memories,
    /// What was said last, and the first second of it without a gap.
    said: (Option<bool>, Boot),
}

/// What was judged before a sentence and after it.
struct Step {
    before: Option<Judged>,
    after: Judged,
    said: Option<bool>,
    /// How long it has been said without a gap.
    steady: Duration,
    restarted: bool,
}

fn fact() -> FactAt {
    FactAt { node: "w3".into(), rule: "gpu.usable".into() }
}

fn truth(answer: Option<bool>) -> Truth {
    match answer {
        Some(true) => Truth::True,
        Some(false) => Truth::False,
        None => Truth::Unknown("no report".into()),
    }
}

impl Hour {
    fn new() -> Self {
        let now = Boot(Duration::from_secs(3600));
        Self { now, memories: Memories::new(), said: (None, now) }
    }

    fn judged(&self, said: &Said) -> Option<Judged> {
        self.memories.get(&fact()).map(|memory| judged(memory, said, self.now))
    }

    /// What a start leaves of a memory: its changes.
    fn restart(&mut self) {
        for memory in self.memories.values_mut() {
            let Memory { changes, resumed, .. } = memory.clone();
            *memory = Memory { truth: truth(None), since: self.now, known: None, settled: None, changes, resumed };
        }
        self.said = (None, self.now);
    }

    fn hear(&mut self, (pause, answer, restarted): Sentence) -> Step {
        self.now = self.now.plus(Duration::from_secs(pause));
        if restarted {
            self.restart();
        }
        let said = Said { truth: truth(answer), calm_since: Some(Boot::default()) };
        let before = self.judged(&said);
        if self.said.0 != answer {
            self.said = (answer, self.now);
        }
        self.memories = fold(&self.memories, &BTreeMap::from([(fact(), said.clone())]), self.now);
        let steady = self.now.since(self.said.1);
        Step { before, after: self.judged(&said).unwrap(), said: answer, steady, restarted }
    }
}

fn steps(all: Vec<Sentence>) -> Vec<Step> {
    let mut hour = Hour::new();
    all.into_iter().map(|sentence| hour.hear(sentence)).collect()
}

fn settled_before(step: &Step) -> Option<bool> {
    step.before.as_ref().and_then(|judged| judged.settled)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn nothing_settles_before_its_time(all in sentences()) {
        for step in steps(all).iter().filter(|step| step.after.settled != settled_before(step)) {
            prop_assert_eq!(step.after.settled, step.said);
            let time = if step.said == Some(true) { GAINED_AFTER } else { LOST_AFTER };
            prop_assert!(step.steady >= time, "settled after {:?}", step.steady);
        }
    }

    #[test]
    fn what_is_steady_and_not_frozen_is_settled(all in sentences()) {
        for step in steps(all).iter().filter(|step| step.said.is_some() && step.after.frozen.is_none()) {
            prop_assert!(step.steady < LOST_AFTER || step.after.settled == step.said);
        }
    }

    #[test]
    fn unknown_changes_nothing(all in sentences()) {
        for step in steps(all).iter().filter(|step| step.said.is_none()) {
            prop_assert_eq!(step.after.settled, settled_before(step));
            let until = |judged: &Judged| judged.frozen;
            prop_assert_eq!(until(&step.after), step.before.as_ref().and_then(until));
        }
    }

    #[test]
    fn what_is_frozen_does_not_move(all in sentences()) {
        for step in steps(all).iter().filter(|step| step.after.frozen.is_some()) {
            prop_assert_eq!(step.after.settled, settled_before(step));
        }
    }

    #[test]
    fn a_freeze_ends_only_by_time(all in sentences()) {
        let mut until: Option<Boot> = None;
        let mut hour = Hour::new();
        for sentence in all {
            let step = hour.hear(sentence);
            if let Some(until) = until.filter(|until| *until > hour.now) {
                prop_assert!(step.after.frozen >= Some(until), "it was lost, restarted: {}", step.restarted);
            }
            until = step.after.frozen;
        }
    }

    #[test]
    fn a_rule_that_nobody_asks_for_a_while_keeps_its_freeze(all in sentences(), away in 1u64..1800) {
        let mut hour = Hour::new();
        let mut last = None;
        for sentence in all {
            last = hour.hear(sentence).after.frozen;
        }
        hour.memories = fold(&hour.memories, &BTreeMap::new(), hour.now);
        let back = hour.hear((away, Some(true), false));
        let still = last.filter(|until| *until > hour.now);
        prop_assert!(back.after.frozen >= still);
    }
}
