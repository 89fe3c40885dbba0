//! Commands: which are obeyed, which are refused, and which outcomes still have to be told.

use std::collections::BTreeMap;

use coord_model::{Command, Outcome, OutcomeResult};

/// How many outcomes are kept that the coordinator has not acknowledged.
const KEPT: usize = 64;

/// What the agent remembers about commands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    newest_generation: u64,
    newest_epoch: u64,
    /// Commands that are being carried out, by key.
    running: Vec<String>,
    /// Outcomes that were not acknowledged, by key.
    unheard: BTreeMap<String, Outcome>,
}

/// What to do with a command that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Carry it out; the generation must be stored first.
    Obey,
    /// The same key is being carried out: its outcome answers both.
    Running,
    /// It was done before, or must not be done.
    Answer(Outcome),
}

impl Orders {
    /// With what an earlier process obeyed last.
    pub(crate) fn new(newest_generation: u64, newest_epoch: u64) -> Self {
        Self { newest_generation, newest_epoch, ..Self::default() }
    }

    /// The newest generation and epoch that were obeyed.
    pub(crate) fn newest(&self) -> (u64, u64) {
        (self.newest_generation, self.newest_epoch)
    }

    /// Learns the epoch of a coordinator; false when it is older than one that was obeyed (law 10).
    pub(crate) fn meet(&mut self, epoch: u64) -> bool {
        if epoch < self.newest_epoch {
            return false;
        }
        self.newest_epoch = epoch;
        true
    }

    /// Judges a command.
    pub(crate) fn judge(&mut self, command: &Command) -> Verdict {
        if let Some(outcome) = self.unheard.get(&command.key) {
            return Verdict::Answer(outcome.clone());
        }
        if self.running.contains(&command.key) {
            return Verdict::Running;
        }
        if command.epoch < self.newest_epoch || command.generation <= self.newest_generation {
            let message = format!(
                "generation {} of epoch {} is not newer than what was obeyed",
                command.generation, command.epoch
            );
            return Verdict::Answer(outcome(command, OutcomeResult::Stale, message));
        }
        self.newest_generation = command.generation;
        self.newest_epoch = command.epoch;
        self.running.push(command.key.clone());
        Verdict::Obey
    }

    /// Notes how a command ended, to be told until it is acknowledged.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        self.running.retain(|key| *key != outcome.key);
        if self.unheard.len() < KEPT {
            self.unheard.insert(outcome.key.clone(), outcome);
        }
    }

    /// The coordinator has it.
    pub(crate) fn heard(&mut self, key: &str) {
        self.unheard.remove(key);
    }

    /// What must be told again after a reconnect.
    pub(crate) fn unheard(&self) -> impl Iterator<Item = &Outcome> {
        self.unheard.values()
    }
}

/// An outcome of this command.
pub(crate) fn outcome(command: &Command, result: OutcomeResult, message: impl Into<String>) -> Outcome {
    Outcome { key: command.key.clone(), generation: command.generation, result, message: message.into() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coord_model::CommandAction;

    use super::*;

    fn command(key: &str, generation: u64, epoch: u64) -> Command {
        let action = CommandAction::Refresh { sections: Vec::new(), measures: Vec::new() };
        Command { key: key.into(), generation, epoch, deadline: Duration::from_secs(1), action }
    }

    #[test]
    fn an_older_generation_is_refused_also_after_a_restart() {
        let mut orders = Orders::new(7, 1);
        for old in [0, 6, 7] {
            let verdict = orders.judge(&command("a", old, 1));
            assert!(matches!(verdict, Verdict::Answer(Outcome { result: OutcomeResult::Stale, .. })), "{old}");
        }
        assert_eq!(orders.judge(&command("a", 8, 1)), Verdict::Obey);
        assert_eq!(orders.newest(), (8, 1));
    }

    #[test]
    fn an_older_epoch_is_refused() {
        let mut orders = Orders::new(0, 3);
        assert!(!orders.meet(2));
        assert!(matches!(orders.judge(&command("a", 9, 2)), Verdict::Answer(_)));
    }

    #[test]
    fn a_repeated_key_is_the_same_work() {
        let mut orders = Orders::default();
        let first = command("a", 1, 1);
        assert_eq!(orders.judge(&first), Verdict::Obey);
        assert_eq!(orders.judge(&first), Verdict::Running);
        let done = outcome(&first, OutcomeResult::Done, "");
        orders.finish(done.clone());
        assert_eq!(orders.judge(&first), Verdict::Answer(done));
        orders.heard("a");
        assert_eq!(orders.unheard().count(), 0);
    }
}
