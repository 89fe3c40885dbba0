//! A good agent beside the bad ones: whatever they do, its session must go on.

use coord_model::{EventRow, Health, List};

use crate::lab::{Lab, Running};

const NAME: &str = "bystander";

/// A real agent with one session.
#[derive(Debug)]
pub struct Bystander {
    _agent: Running,
}

impl Bystander {
    /// Starts it and waits until it has reported.
    #[must_use]
    pub fn start(lab: &Lab) -> Self {
        let agent = lab.recorded_agent(NAME, "k3s-w1");
        lab.wait_reported(NAME);
        Self { _agent: agent }
    }

    /// Asserts that it is heard, gets commands, and never lost its session.
    ///
    /// # Panics
    /// When it was disturbed.
    pub fn is_undisturbed(&self, lab: &Lab) {
        lab.wait_node(NAME, "to be heard", |node| {
            matches!(node.health, Health::Ready | Health::Degraded)
                && node.last_seen_seconds.is_some_and(|age| age < 5.0)
        });
        let happened = ["session began", "session ended"].map(|message| times(lab, NAME, message));
        assert_eq!(happened, [1, 0], "{:?}", events(lab, NAME));
    }
}

/// Everything that happened to a node.
///
/// # Panics
/// When the coordinator does not answer.
#[must_use]
pub fn events(lab: &Lab, subject: &str) -> Vec<EventRow> {
    let list: List<EventRow> = serde_json::from_str(&lab.told(&["-o", "json", "get", "events", subject])).unwrap();
    list.items
}

/// How often something that begins with these words happened to a node: what is repeated within a minute is one row.
///
/// # Panics
/// When the coordinator does not answer.
#[must_use]
pub fn times(lab: &Lab, subject: &str, words: &str) -> u64 {
    events(lab, subject).iter().filter(|event| event.message.starts_with(words)).map(|event| event.count).sum()
}
