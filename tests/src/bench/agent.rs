//! The agent at rest with its root helper, beside node_exporter in the same minutes.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use super::{
    coord_helper::Listener,
    exporter::Exporter,
    process::{Account, Figures, figures, own_time},
};
use crate::{
    lab::{Lab, Running, program},
    proxy::Proxy,
};

/// The pace that the coordinator sets by default.
pub const PACE: &str = "heartbeat: 10s\nfacts: 60s\n";
/// A pace for machines whose figures nobody watches by the minute.
pub const SLOW_PACE: &str = "heartbeat: 60s\nfacts: 300s\n";
/// How often node_exporter is scraped.
const SCRAPE: Duration = Duration::from_secs(15);

/// The agent on this machine for `length` at `pace`, after its first reports.
#[must_use]
pub fn measure(pace: &str, length: Duration) -> String {
    let lab = Lab::with(pace);
    let proxy = Proxy::start(lab.listen);
    let account = Account::open("agent");
    let mut command = lab.agent_command("bench");
    command.arg("--token-file").arg(lab.token_file("bench")).arg("--coordinator").arg(proxy.address.to_string());
    let helper = Listener::start(&lab.path("helper.sock"), account.as_ref().map(Account::path));
    command.env("COORD_AGENT_HELPER", lab.path("helper.sock"));
    let agent = Running(command.spawn().unwrap());
    if let Some(account) = &account {
        account.take(agent.0.id());
    }
    lab.wait_reported("bench");
    let mut exporter = if pace == PACE { Exporter::start() } else { None };
    // The first minute holds the start; what is wanted is the rest.
    idle(Duration::from_secs(60).min(length), exporter.as_mut());
    let before = Sample::take(&agent, account.as_ref(), &proxy);
    idle(length, exporter.as_mut());
    let after = Sample::take(&agent, account.as_ref(), &proxy);
    let mut text = after.since(&before, pace, length, account.is_some());
    writeln!(text, "  root helper {}", helper.told()).unwrap();
    let size = std::fs::metadata(program("coord-agent")).map_or(0, |file| file.len());
    writeln!(text, "  binary {:.2} MB", size as f64 / 1e6).unwrap();
    text.push_str(&exporter.map_or_else(|| "node_exporter: not run\n".to_owned(), Exporter::report));
    text
}

/// Waits, scraping node_exporter at its pace.
fn idle(length: Duration, mut exporter: Option<&mut Exporter>) {
    let end = Instant::now() + length;
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now());
        thread::park_timeout(left.min(SCRAPE));
        if let Some(exporter) = exporter.as_deref_mut() {
            exporter.scrape();
        }
    }
}

struct Sample {
    figures: Figures,
    used: Duration,
    own: Duration,
    bytes: u64,
}

impl Sample {
    fn take(agent: &Running, account: Option<&Account>, proxy: &Proxy) -> Self {
        let pid = agent.0.id();
        let own = own_time(pid);
        Self { figures: figures(pid), used: account.map_or(own, Account::used), own, bytes: proxy.bytes() }
    }

    fn since(&self, before: &Self, pace: &str, length: Duration, whole: bool) -> String {
        let minutes = length.as_secs_f64() / 60.0;
        let per_minute = |now: u64, then: u64| now.saturating_sub(then) as f64 / minutes;
        let milliseconds = |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64() * 1000.0 / minutes;
        let counted = if whole { "with children and helper (cpu.stat)" } else { "without its children" };
        format!(
            "coord-agent, {minutes:.0} min at {}:\n  resident {:.2} MiB, anonymous {:.2} MiB, {} thread\n  \
             processor {:.2} ms/min {counted}, {:.2} ms/min in the main process\n  voluntary context switches {:.1}/min\n  \
             wire {:.0} bytes/min\n",
            pace.trim().replace('\n', ", "),
            self.figures.resident as f64 / 1024.0,
            self.figures.anonymous as f64 / 1024.0,
            self.figures.threads,
            milliseconds(self.used, before.used),
            milliseconds(self.own, before.own),
            per_minute(self.figures.switches, before.figures.switches),
            per_minute(self.bytes, before.bytes),
        )
    }
}
