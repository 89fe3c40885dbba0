//! `coord-agent`: reports what is really on this machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord_agent::agent()
}
