//! `make test-machine`: Coord on a machine with a kernel of its own. One machine is started, the stories are told on it
//! one after the other, and each leaves it as it found it. The last one has a machine of its own, whose power is cut.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::Instant,
};

mod devices;
mod house;
mod kernel;
mod nfs;
mod power;

use house::House;

/// A story and its name.
type Story = (&'static str, fn(&House));

const STORIES: [Story; 6] = [
    ("a_question_to_a_stopped_server_can_be_ended", kernel::a_question_to_a_stopped_server_can_be_ended),
    ("a_stopped_server_is_told_and_its_return_too", nfs::a_stopped_server_is_told_and_its_return_too),
    ("a_restart_with_a_hung_mount_is_short", nfs::a_restart_with_a_hung_mount_is_short),
    ("a_disk_that_became_read_only_is_told_at_once", devices::a_disk_that_became_read_only_is_told_at_once),
    ("a_render_node_that_appears_is_told_and_cannot_transcode", devices::a_render_node_is_told_and_cannot_transcode),
    ("the_latency_of_a_disk_is_measured", devices::the_latency_of_a_disk_is_measured),
];

/// The story that ends its machines.
const POWER: (&str, fn()) = (
    "a_power_cut_while_it_enrols_or_renews_shuts_nobody_out",
    power::a_power_cut_while_it_enrols_or_renews_shuts_nobody_out,
);

fn main() -> ExitCode {
    let began = Instant::now();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let (mut good, mut logs) = (Vec::new(), String::new());
    if STORIES.iter().any(|(name, _)| chosen(name)) {
        let house = match House::build() {
            Ok(house) => house,
            Err(error) => return end(0, STORIES.len(), began, &format!("there is no machine: {error}")),
        };
        say(&format!("the machine is ready after {:.0?}", began.elapsed()));
        let stories = STORIES.iter().filter(|(name, _)| chosen(name));
        good.extend(stories.map(|(name, story)| tell(name, || story(&house))));
        if good.contains(&false) {
            logs = house.logs();
        }
    }
    if chosen(POWER.0) {
        good.push(tell(POWER.0, POWER.1));
    }
    let passed = good.iter().filter(|good| **good).count();
    end(passed, good.len() - passed, began, &logs)
}

/// Tells a story, and says whether it ended well.
fn tell(name: &str, story: impl FnOnce()) -> bool {
    let start = Instant::now();
    let good = catch_unwind(AssertUnwindSafe(story)).is_ok();
    say(&format!("test {name} ... {} ({:.0?})", if good { "ok" } else { "FAILED" }, start.elapsed()));
    good
}

/// The closing lines, in the words that the runner counts.
fn end(passed: usize, failed: usize, began: Instant, reason: &str) -> ExitCode {
    if !reason.is_empty() {
        say(reason);
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("test result: {verdict}. {passed} passed; {failed} failed; 0 ignored; finished in {seconds:.2}s"));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A reader that left does not end the stories.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
