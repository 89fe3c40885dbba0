//! `make test-machine`: Coord on a machine with a kernel of its own. One machine is started, the stories are told on it
//! one after the other, and each leaves it as it found it.

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

fn main() -> ExitCode {
    let began = Instant::now();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let house = match House::build() {
        Ok(house) => house,
        Err(error) => return end(0, STORIES.len(), began, &format!("there is no machine: {error}")),
    };
    say(&format!("the machine is ready after {:.0?}", began.elapsed()));
    let (mut passed, mut failed) = (0, 0);
    for (name, story) in STORIES.iter().filter(|(name, _)| chosen(name)) {
        let start = Instant::now();
        let good = catch_unwind(AssertUnwindSafe(|| story(&house))).is_ok();
        say(&format!("test {name} ... {} ({:.0?})", if good { "ok" } else { "FAILED" }, start.elapsed()));
        passed += usize::from(good);
        failed += usize::from(!good);
    }
    let logs = if failed > 0 { house.logs() } else { String::new() };
    end(passed, failed, began, &logs)
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
