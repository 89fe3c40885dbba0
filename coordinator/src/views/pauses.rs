//! Every pause is a wait, whether or not something would be done without it: nobody should forget one.

use coord_model::{Moment, Wait};
use coord_planner::{Decisions, Pause, span};

/// A wait a pause.
pub(super) fn waits(decisions: &Decisions, now: Moment) -> impl Iterator<Item = Wait> + '_ {
    decisions.paused.iter().map(move |(subject, pause)| wait(subject, pause, now))
}

fn wait(subject: &str, pause: &Pause, now: Moment) -> Wait {
    let ago = span(pause.at.until(now.wall));
    let why = if pause.reason.is_empty() { String::new() } else { format!(": {}", pause.reason) };
    let (subject, typed) = match subject {
        "" => ("coordinator", "coordctl resume".to_owned()),
        subject => (subject, format!("coordctl resume {subject}")),
    };
    let what = if subject == "coordinator" { "everything is paused" } else { "paused" };
    Wait {
        subject: subject.to_owned(),
        reason: "paused".to_owned(),
        message: format!("{what} by {}, {ago} ago{why}", pause.by),
        hint: Some(typed),
        until: None,
    }
}

#[cfg(test)]
mod tests {
    use coord_model::{Boot, Wall};

    use super::*;

    #[test]
    fn a_pause_says_who_when_and_why_and_how_it_ends() {
        let now = Moment { boot: Boot::default(), wall: Wall(1_800_000_000_000) };
        let pause = |reason: &str| Pause { by: "ada".into(), reason: reason.into(), at: Wall(now.wall.0 - 7_200_000) };
        let paused = [(String::new(), pause("")), ("node/pi".into(), pause("new fan"))].into();
        let decisions = Decisions { paused, ..Decisions::default() };
        let told: Vec<String> = waits(&decisions, now)
            .map(|wait| format!("{}: {} ({})", wait.subject, wait.message, wait.hint.unwrap_or_default()))
            .collect();
        let expected = [
            "coordinator: everything is paused by ada, 2h ago (coordctl resume)",
            "node/pi: paused by ada, 2h ago: new fan (coordctl resume node/pi)",
        ];
        assert_eq!(told, expected);
    }
}
