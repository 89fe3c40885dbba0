//! node_exporter in the same minutes, for comparison.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::process::{Account, Figures, figures, installed, own_time};
use crate::lab::{Running, free_address, wait_for};

/// Debian's node_exporter with its defaults.
pub(super) struct Exporter {
    running: Running,
    address: SocketAddr,
    started: Instant,
    before: Figures,
    before_used: Duration,
    account: Option<Account>,
}

impl Exporter {
    /// Starts it, where it is installed.
    pub(super) fn start() -> Option<Self> {
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

    /// Scrapes it once.
    pub(super) fn scrape(&mut self) {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return };
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = Vec::new();
        // A scrape that fails is one that costs less.
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    }

    /// What it cost since its start.
    pub(super) fn report(self) -> String {
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
