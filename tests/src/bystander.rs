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
        let messages: Vec<String> = events(lab, NAME).into_iter().map(|event| event.message).collect();
        let began = messages.iter().filter(|message| message.starts_with("session began")).count();
        let ended = messages.iter().filter(|message| message.starts_with("session ended")).count();
        assert_eq!((began, ended), (1, 0), "{messages:?}");
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
