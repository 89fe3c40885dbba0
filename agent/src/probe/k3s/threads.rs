//! Threads of k3s that wait where no signal reaches them: the kernel's word that a disk or a server does not answer.

use coord_model::{Reading, Unknown, ValueState};

use super::process::Process;
use crate::host::Host;

/// The most threads that are looked at; k3s has about a hundred.
const MOST: usize = 4096;

/// How many threads of the main process are in state D (proc_pid_stat(5)).
pub(super) fn blocked(host: &Host, process: Reading<&Process>) -> Reading<u32> {
    let number = match process? {
        Process::Main(number) => *number,
        Process::Starting | Process::Gone => return Err(Unknown::absent("its main process does not run")),
    };
    let folder = format!("/proc/{number}/task");
    let mut found = 0;
    for thread in host.list(&folder)?.iter().take(MOST) {
        match host.text(&format!("{folder}/{thread}/stat")) {
            Ok(text) => found += u32::from(state(&text)? == 'D'),
            // It ended since the list was read.
            Err(reason) if reason.state == ValueState::Absent || reason.message.contains("ESRCH") => {}
            Err(reason) => return Err(reason),
        }
    }
    Ok(found)
}

/// Field 3; the name in field 2 may hold spaces and parentheses.
fn state(text: &str) -> Reading<char> {
    let state = text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next()?.chars().next());
    state.ok_or_else(|| Unknown::error("/proc/PID/task/TID/stat makes no sense"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::{Fixture, recorded};

    fn host(threads: &[(&str, &'static str)]) -> Fixture {
        let place = |(thread, stat): &(&str, &'static str)| (format!("/proc/812/task/{thread}/stat"), *stat);
        recorded(&threads.iter().map(place).collect::<Vec<_>>())
    }

    #[test]
    fn only_uninterruptible_threads_count() {
        let threads =
            [("812", "812 (k3s) server) S 1 812"), ("813", "813 (k3s-server) D 1 812"), ("814", "814 (D) R 1")];
        let host = host(&threads);
        assert_eq!(blocked(&host, Ok(&Process::Main(812))), Ok(1));
        assert_eq!(blocked(&host, Ok(&Process::Main(7))).unwrap_err().state, ValueState::Absent);
        assert_eq!(blocked(&host, Ok(&Process::Gone)).unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn a_thread_that_makes_no_sense_is_an_error_and_not_zero() {
        for text in ["", "812", "812 (k3s", "812 (k3s)", "\u{0}"] {
            let host = host(&[("812", text)]);
            assert_eq!(blocked(&host, Ok(&Process::Main(812))).unwrap_err().state, ValueState::Error, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            drop(state(&text));
        }
    }
}
