//! Superblocks that are asked one a child, some at once: those that hung before, and the rest of a round in which one
//! hangs.

use std::{collections::VecDeque, time::Instant};

use tokio::{process::Command, task::JoinSet};

use super::{
    Prober,
    child::{Spaces, Wanted},
    found::Found,
    line::Domain,
    process::{self, End, Limits},
};

/// The most children at once: each may leave a process behind that cannot be ended.
const AT_ONCE: usize = 4;

/// What became of one child.
struct Asked {
    domain: Domain,
    found: Found,
    end: End,
}

impl Prober {
    /// Asks each of `waiting` in a child of its own; what cannot begin soon is not asked in this round.
    pub(super) async fn ask_each(&mut self, waiting: Vec<Domain>, found: &mut Found) {
        let began = Instant::now();
        let mut waiting = VecDeque::from(waiting);
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE && began.elapsed() < self.limits.hanging {
                let Some(domain) = waiting.pop_front() else { break };
                match self.command_for(&domain) {
                    Ok(command) => drop(running.spawn(ask(command, self.limits, domain))),
                    Err(error) => found.blame(&domain, &format!("cannot start a probe: {error}")),
                }
            }
            match running.join_next().await {
                Some(Ok(asked)) => self.settle(asked, found),
                // Nothing of ours panics, and nothing is cancelled but with this whole round.
                Some(Err(_)) => {}
                None => return,
            }
        }
    }

    /// The child that asks one superblock.
    fn command_for(&self, domain: &Domain) -> std::io::Result<Command> {
        let one = match domain {
            Domain::Space { device, .. } => Some(device.clone()),
            Domain::Section(_) => None,
        };
        let spaces = Spaces { one, ..Spaces::default() };
        self.command(&Wanted { spaces, briefed: true, ..Wanted::default() })
    }

    /// Takes in what a child of one superblock told.
    fn settle(&mut self, asked: Asked, found: &mut Found) {
        let Asked { domain, found: part, end } = asked;
        found.spaces.extend(part.spaces);
        match end {
            End::Finished => drop(self.suspects.remove(&domain)),
            End::Late(_, leaked) => self.suspect(&domain, leaked, found),
            End::Broken(_, message) => {
                self.suspects.remove(&domain);
                found.blame(&domain, &message);
            }
            End::Refused(message) => found.blame(&domain, &message),
        }
    }
}

async fn ask(mut command: Command, limits: Limits, domain: Domain) -> Asked {
    let mut found = Found::default();
    let end = process::run(&mut command, limits, |line| found.keep(line)).await;
    Asked { domain, found, end }
}
