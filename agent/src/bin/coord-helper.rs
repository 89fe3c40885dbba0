//! `coord-helper`: answers the agent's questions that only root may answer; started for each connection.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord_agent::helper()
}
