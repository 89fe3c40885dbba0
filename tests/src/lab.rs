//! A lab: one real coordinator and real agents in a temporary folder, on loopback, over real TLS.
//!
//! Everything is found by waiting for conditions; dropping a lab ends its processes and removes its folder.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use coord_model::Status;

mod program;

pub use program::{hosts, program};

/// How long the lab waits for anything before it gives up: several times every limit that is stated.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until `found` gives something.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub fn wait_for<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, found)
}

/// Waits until `found` gives something, for at most `patience`.
///
/// # Panics
/// When it does not in time.
pub fn wait_within<T>(patience: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        std::thread::park_timeout(LOOK);
    }
}

/// A process that ends with its handle.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        wait_for("the process to stop", || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A coordinator with its folder.
#[derive(Debug)]
pub struct Lab {
    /// The process, while it runs. Declared first, so that it has ended before its folder is removed.
    pub coordinator: Option<Running>,
    /// Everything lies below it.
    pub folder: tempfile::TempDir,
    /// Where agents connect.
    pub listen: SocketAddr,
    /// Where HTTP is.
    pub http: SocketAddr,
}

/// A port of loopback that was free a moment ago.
#[must_use]
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Lab {
    /// A running coordinator at a quick pace: heartbeats each 500 ms, lost after 5 s.
    #[must_use]
    pub fn start() -> Self {
        Self::with("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n")
    }

    /// A running coordinator with this configuration.
    #[must_use]
    pub fn with(configuration: &str) -> Self {
        let mut lab = Self::prepare(configuration);
        lab.start_coordinator();
        lab
    }

    /// Everything but the process.
    #[must_use]
    pub fn prepare(configuration: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("coord-lab-").tempdir().unwrap();
        fs::write(folder.path().join("coordinator.yaml"), configuration).unwrap();
        Self { folder, listen: free_address(), http: free_address(), coordinator: None }
    }

    /// A path in the lab's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The coordinator's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path("control.sock")
    }

    /// The command that starts the coordinator, not started.
    #[must_use]
    pub fn coordinator_command(&self) -> Command {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("coordinator.log")).unwrap();
        let mut command = Command::new(program("coordinator"));
        command.arg("serve").arg("--config").arg(self.path("coordinator.yaml")).arg("--data").arg(self.path("data"));
        command.arg("--listen").arg(self.listen.to_string()).arg("--http").arg(self.http.to_string());
        command.arg("--cluster").arg(self.path("cluster.yaml"));
        command.arg("--socket").arg(self.socket()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    /// Starts the coordinator and waits until it answers on both ways.
    pub fn start_coordinator(&mut self) {
        self.start_as(self.coordinator_command());
    }

    /// The same with a command made from [`Self::coordinator_command`].
    pub fn start_as(&mut self, mut command: Command) {
        let mut running = Running(command.spawn().unwrap());
        wait_for("the coordinator to listen", || {
            if let Some(status) = running.0.try_wait().unwrap() {
                panic!("the coordinator ended with {status}: {}", self.log());
            }
            let local = UnixStream::connect(self.socket()).is_ok();
            (local && TcpStream::connect(self.listen).is_ok()).then_some(())
        });
        self.coordinator = Some(running);
    }

    /// Ends the coordinator at once, as a power cut would.
    pub fn kill_coordinator(&mut self) {
        self.coordinator.take();
    }

    /// Stops the coordinator in order.
    pub fn stop_coordinator(&mut self) {
        if let Some(mut running) = self.coordinator.take() {
            running.stop();
        }
    }

    /// What the coordinator has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("coordinator.log")).unwrap_or_default()
    }

    /// coordctl over the socket, not started; its caches lie in the lab.
    #[must_use]
    pub fn coordctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("coordctl"));
        command.arg("--socket").arg(self.socket()).args(arguments).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("XDG_CACHE_HOME", self.path("cache"));
        command
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("NO_COLOR", "1");
        command
    }

    /// What coordctl prints.
    #[must_use]
    pub fn ask(&self, arguments: &[&str]) -> Output {
        self.coordctl(arguments).output().unwrap()
    }

    /// What coordctl prints on standard output, which must be a success.
    ///
    /// # Panics
    /// When it is not.
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "coordctl {arguments:?}: {error}\n{}", self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// The status document.
    #[must_use]
    pub fn status(&self) -> Status {
        let output = self.ask(&["-o", "json", "status"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("status cannot be read: {error}\n{}{}", String::from_utf8_lossy(&output.stderr), self.log())
        })
    }

    /// A token for the node `name`, in a file.
    #[must_use]
    pub fn token_file(&self, name: &str) -> PathBuf {
        let path = self.path(&format!("{name}.token"));
        fs::write(&path, self.told(&["token", "create", "--node", name])).unwrap();
        path
    }

    /// The command that runs the agent `name` with its own state folder, not started.
    #[must_use]
    pub fn agent_command(&self, name: &str) -> Command {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path(&format!("{name}.log"))).unwrap();
        let mut command = Command::new(program("coord-agent"));
        command.arg("run").arg("--name").arg(name).arg("--state").arg(self.path(&format!("{name}.state")));
        command.arg("--config").arg(self.path("agent.yaml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        fs::write(self.path("agent.yaml"), "# defaults\n").unwrap();
        command
    }

    /// A running agent that enrols with a fresh token and reads the recorded host `host`.
    #[must_use]
    pub fn recorded_agent(&self, name: &str, host: &str) -> Running {
        let mut command = self.agent_command(name);
        command.arg("--token-file").arg(self.token_file(name)).arg("--root").arg(hosts().join(host));
        Running(command.spawn().unwrap())
    }

    /// What an agent has logged.
    #[must_use]
    pub fn agent_log(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default()
    }

    /// Waits until the node is there and `good` is true of it.
    pub fn wait_node(
        &self,
        name: &str,
        what: &str,
        good: impl Fn(&coord_model::NodeStatus) -> bool,
    ) -> coord_model::NodeStatus {
        wait_for(&format!("{name} {what}"), || {
            self.status().nodes.into_iter().find(|node| node.name == name).filter(|node| good(node))
        })
    }

    /// Waits until the node has reported.
    pub fn wait_reported(&self, name: &str) -> coord_model::NodeStatus {
        self.wait_node(name, "to report", |node| node.platform.is_some() && node.last_seen_seconds.is_some())
    }
}

/// Whether a path is there yet.
#[must_use]
pub fn there(path: &Path) -> Option<()> {
    path.exists().then_some(())
}
