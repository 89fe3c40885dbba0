//! A socket at which `coord-helper` is started for each connection, as systemd does it.

use std::{
    fs,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// The listening end; its thread ends with the process.
pub(super) struct Listener(Option<Arc<AtomicU64>>);

impl Listener {
    /// Listens at `socket`; what is started is accounted in `account`.
    pub(super) fn start(socket: &Path, account: Option<&Path>) -> Self {
        let program = std::env::current_exe().ok().map(|own| own.with_file_name("coord-helper"));
        let Some(program) = program.filter(|program| program.is_file()) else { return Self(None) };
        let listener = UnixListener::bind(socket).unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let (counted, account) = (Arc::clone(&count), account.map(Path::to_path_buf));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(&program, account.as_ref(), stream.into());
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self(Some(count))
    }

    /// How often it was called.
    pub(super) fn told(&self) -> String {
        match &self.0 {
            Some(count) => format!("was called {} times", count.load(Ordering::Relaxed)),
            None => "is not built beside this program: not measured".to_owned(),
        }
    }
}

fn answer(program: &PathBuf, account: Option<&PathBuf>, stream: OwnedFd) {
    let child = Command::new(program).stdin(stream).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = child else { return };
    if let Some(account) = account {
        // It may have ended already, and then it has cost little.
        let _ = fs::write(account.join("cgroup.procs"), child.id().to_string());
    }
    let _ = child.wait();
}
