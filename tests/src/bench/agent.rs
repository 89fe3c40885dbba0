//! The agent at rest, beside node_exporter in the same minutes; and how soon a change is on the screen.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::process::{Account, Figures, figures, installed, own_time};
use crate::{
    lab::{Lab, Running, free_address, program, wait_for},
    proxy::Proxy,
};

/// The pace that is measured: what the coordinator sets by default.
const PACE: &str = "heartbeat: 10s\nfacts: 60s\n";
/// How often node_exporter is scraped.
const SCRAPE: Duration = Duration::from_secs(15);

/// The agent on this machine for `length`, after its first reports.
#[must_use]
pub fn measure(length: Duration) -> String {
    let lab = Lab::with(PACE);
    let proxy = Proxy::start(lab.listen);
    let account = Account::open("agent");
    let mut command = lab.agent_command("bench");
    command.arg("--token-file").arg(lab.token_file("bench")).arg("--coordinator").arg(proxy.address.to_string());
    let agent = Running(command.spawn().unwrap());
    if let Some(account) = &account {
        account.take(agent.0.id());
    }
    lab.wait_reported("bench");
    let mut exporter = Exporter::start();
    // The first minute holds the start; what is wanted is the rest.
    idle(Duration::from_secs(60).min(length), exporter.as_mut());
    let before = Sample::take(&agent, account.as_ref(), &proxy);
    idle(length, exporter.as_mut());
    let after = Sample::take(&agent, account.as_ref(), &proxy);
    let mut text = after.since(&before, length, account.is_some());
    let size = std::fs::metadata(program("coord-agent")).map_or(0, |file| file.len());
    writeln!(text, "  binary {:.2} MB", size as f64 / 1e6).unwrap();
    text.push_str(&exporter.map_or_else(|| "node_exporter: not installed\n".to_owned(), |exporter| exporter.report()));
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

    fn since(&self, before: &Self, length: Duration, whole: bool) -> String {
        let minutes = length.as_secs_f64() / 60.0;
        let per_minute = |now: u64, then: u64| now.saturating_sub(then) as f64 / minutes;
        let milliseconds = |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64() * 1000.0 / minutes;
        let counted = if whole { "with its children (cpu.stat)" } else { "without its children" };
        format!(
            "coord-agent, {minutes:.0} min at heartbeat 10 s, facts 60 s:\n  resident {:.2} MiB, anonymous {:.2} MiB, {} thread\n  \
             processor {:.2} ms/min {counted}, {:.2} ms/min in the main process\n  voluntary context switches {:.1}/min\n  \
             wire {:.0} bytes/min\n",
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

/// Debian's node_exporter with its defaults.
struct Exporter {
    running: Running,
    address: SocketAddr,
    started: Instant,
    before: Figures,
    before_used: Duration,
    account: Option<Account>,
}

impl Exporter {
    fn start() -> Option<Self> {
        if !installed("prometheus-node-exporter") {
            return None;
        }
        let address = free_address();
        let mut command = Command::new("prometheus-node-exporter");
        command
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let running = Running(command.spawn().ok()?);
        wait_for("node_exporter to listen", || TcpStream::connect(address).ok());
        let account = Account::open("exporter");
        let pid = running.0.id();
        if let Some(account) = &account {
            account.take(pid);
        }
        let mut exporter = Self {
            running,
            address,
            started: Instant::now(),
            before: figures(pid),
            before_used: account.as_ref().map_or(own_time(pid), Account::used),
            account,
        };
        exporter.scrape();
        Some(exporter)
    }

    fn scrape(&mut self) {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return };
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = Vec::new();
        // A scrape that fails is one that costs less.
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    }

    fn report(self) -> String {
        let pid = self.running.0.id();
        let minutes = self.started.elapsed().as_secs_f64() / 60.0;
        let now = figures(pid);
        let used = self.account.as_ref().map_or(own_time(pid), Account::used).saturating_sub(self.before_used);
        format!(
            "node_exporter (Debian), scraped each 15 s in the same minutes:\n  resident {:.2} MiB, anonymous {:.2} MiB, {} threads\n  \
             processor {:.2} ms/min\n  voluntary context switches {:.1}/min\n",
            now.resident as f64 / 1024.0,
            now.anonymous as f64 / 1024.0,
            now.threads,
            used.as_secs_f64() * 1000.0 / minutes,
            now.switches.saturating_sub(self.before.switches) as f64 / minutes,
        )
    }
}

/// From the moment a mount is there until `coordctl get mounts` shows it, several times.
///
/// An automount point needs no server: the kernel makes it, and the agent must never touch it.
#[must_use]
pub fn latency() -> String {
    let mut lab = Lab::with(PACE);
    let script = "mount --make-rprivate / && exec \"$@\"";
    let plain = lab.agent_command("mounter");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(plain.get_program()).args(plain.get_args());
    command.arg("--token-file").arg(lab.token_file("mounter"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else { return "change to status: unshare is missing\n".to_owned() };
    let agent = Running(child);
    lab.wait_reported("mounter");
    let mut times: Vec<f64> = (0..5)
        .filter_map(|round| {
            // A second change within a second waits for the end of that second; here each is the first.
            thread::park_timeout(Duration::from_secs(2));
            once(&lab, &agent, round)
        })
        .collect();
    lab.stop_coordinator();
    times.sort_by(f64::total_cmp);
    let Some(median) = times.get(times.len() / 2) else {
        return "change to status: mounting is not allowed here\n".to_owned();
    };
    format!(
        "change to status: a new mount is shown after {median:.2} s (median of {}, slowest {:.2} s)\n",
        times.len(),
        times.last().unwrap_or(median)
    )
}

fn once(lab: &Lab, agent: &Running, round: u32) -> Option<f64> {
    let folder = lab.path(&format!("mount-{round}"));
    std::fs::create_dir_all(&folder).ok()?;
    let pid = agent.0.id().to_string();
    let mut mount = Command::new("nsenter");
    mount.args(["-t", &pid, "-m", "sh", "-c"]);
    mount.arg("exec 9<>/dev/null; mkfifo \"$0.pipe\" 2>/dev/null; exec 8<>\"$0.pipe\"; mount -i -t autofs -o fd=8,pgrp=$$,minproto=5,maxproto=5,direct coord-bench \"$0\"");
    mount.arg(&folder).stderr(Stdio::null());
    let begun = Instant::now();
    if !mount.status().ok()?.success() {
        return None;
    }
    let path = folder.display().to_string();
    wait_for("the mount on the screen", || lab.told(&["-o", "json", "get", "mounts"]).contains(&path).then_some(()));
    Some(begun.elapsed().as_secs_f64())
}
