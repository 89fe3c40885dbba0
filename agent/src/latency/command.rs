//! `coord-agent check --disk-latency PATH`: the whole test in this process, since somebody asked for it by hand.

use std::{error::Error, path::Path, process::ExitCode, time::Duration};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use serde::Serialize;

use super::{BLOCK, Latency, LatencyError, Place, Step, TIME, Verdict, WRITES, measure};
use crate::{arguments::Output, show};

/// The disk is unfit for a vote.
const UNHEALTHY: u8 = 3;
/// Ended by a signal, as shells count.
const INTERRUPTED: u8 = 130;

/// The result as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    path: &'a Path,
    file_system: String,
    writes: usize,
    block_bytes: usize,
    took_seconds: f64,
    p50_seconds: f64,
    p99_seconds: f64,
    p999_seconds: f64,
    max_seconds: f64,
    verdict: Verdict,
}

/// Tests the disk below `path`, and says by the exit code whether it may vote.
pub(crate) fn command(path: &Path, output: Output, root: Option<&Path>) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(root) = root {
        let why = "a recorded host has no disk that could be measured";
        return Err(
            format!("{}: {why}\nhint: coord-agent check --disk-latency {}", root.display(), path.display()).into()
        );
    }
    // Before the file is made, so that no signal can leave it behind.
    let signals = signals()?;
    let place = Place::open(path)?;
    if place.on_card() {
        show::talk("warning: this is an SD card or an eMMC; the test writes up to 22 MiB to it\n")?;
    }
    let mut told = 0;
    let latency = measure(&place, WRITES, TIME, &mut |writes, since| {
        progress(writes, since, &mut told);
        if matches!(signals.read_signal(), Ok(None)) { Step::Go } else { Step::Stop }
    });
    match latency {
        Ok(latency) => tell(&place, &latency, output),
        Err(LatencyError::Interrupted) => Ok(show::failure(&LatencyError::Interrupted, INTERRUPTED)),
        Err(error) => Err(error.into()),
    }
}

/// What would end the process now waits in a descriptor.
fn signals() -> nix::Result<SignalFd> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        set.add(signal);
    }
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// One line a second. A reader that went away is no reason to stop.
fn progress(writes: usize, since: Duration, told: &mut u64) {
    if since.as_secs() > *told {
        *told = since.as_secs();
        drop(show::talk(&format!("{writes} of {WRITES} writes, {told} s of at most {} s\n", TIME.as_secs())));
    }
}

fn tell(place: &Place, latency: &Latency, output: Output) -> Result<ExitCode, Box<dyn Error>> {
    let verdict = Verdict::of(latency.p99);
    let text = match output {
        Output::Table => show::latency(place.path(), &place.file_system(), latency, verdict),
        Output::Json => json(place, latency, verdict)?,
    };
    show::text(&text)?;
    Ok(match verdict {
        Verdict::Good | Verdict::Fair | Verdict::Slow => ExitCode::SUCCESS,
        Verdict::Unfit => ExitCode::from(UNHEALTHY),
    })
}

fn json(place: &Place, latency: &Latency, verdict: Verdict) -> serde_json::Result<String> {
    let document = Document {
        api_version: "coord.homelab/v1",
        kind: "DiskLatency",
        path: place.path(),
        file_system: place.file_system(),
        writes: latency.writes,
        block_bytes: BLOCK,
        took_seconds: latency.took,
        p50_seconds: latency.p50,
        p99_seconds: latency.p99,
        p999_seconds: latency.p999,
        max_seconds: latency.max,
        verdict,
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}
