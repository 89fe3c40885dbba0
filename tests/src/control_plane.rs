//! A real Kubernetes control plane in a temporary folder, on loopback: etcd, kube-apiserver and, where asked for,
//! kube-controller-manager, kube-scheduler and kwok, which imitates kubelets.
//!
//! Everything is found by waiting for conditions; dropping it ends its processes and removes its folder.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::lab::{Running, free_address, wait_within};

mod account;
mod certificates;
mod commands;
mod node;
mod programs;
mod recorded;

pub use node::MadeNode;
pub use programs::Programs;

use certificates::Certificates;
use commands::Places;

/// How long a part may take to begin; a few seconds where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What runs beside etcd and kube-apiserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// kube-controller-manager: accounts of namespaces, `DaemonSets`, taints of nodes that are gone.
    pub controllers: bool,
    /// kube-scheduler.
    pub scheduler: bool,
    /// kwok: nodes are alive and pods on them run.
    pub kubelets: bool,
}

impl Parts {
    /// Nothing else: objects are kept, and nobody acts on them.
    pub const API: Self = Self { controllers: false, scheduler: false, kubelets: false };
    /// Everything.
    pub const ALL: Self = Self { controllers: true, scheduler: true, kubelets: true };
}

/// A control plane with its folder.
#[derive(Debug)]
pub struct ControlPlane {
    /// The processes are declared before the folder, so that they have ended before it is removed.
    others: Vec<Running>,
    api: Option<Running>,
    etcd: Running,
    parts: Parts,
    places: Places,
    certificates: Certificates,
    kubeconfig: PathBuf,
    /// Everything lies below it, the logs as `NAME.log`.
    pub folder: tempfile::TempDir,
}

impl ControlPlane {
    /// A control plane that answers.
    ///
    /// # Errors
    /// What is missing on this machine, in words for a skip.
    pub fn start(parts: Parts) -> Result<Self, String> {
        let programs = Programs::find()?;
        if parts != Parts::API && !programs.has_all() {
            return Err("needs kube-controller-manager, kube-scheduler and kwok beside kube-apiserver".to_owned());
        }
        let folder = tempfile::Builder::new().prefix("coord-kubernetes-").tempdir().unwrap();
        let certificates = Certificates::make(folder.path());
        let places = places(programs, folder.path());
        let kubeconfig = certificates.kubeconfig(&url(places.api), "admin", &["system:masters"]);
        let etcd = started("etcd", folder.path(), places.etcd());
        let mut made = Self { others: Vec::new(), api: None, etcd, parts, places, certificates, kubeconfig, folder };
        made.start_api();
        made.start_others();
        Ok(made)
    }

    /// Starts kube-apiserver where it was before, on the same etcd, and waits until it is ready.
    pub fn start_api(&mut self) {
        self.api = Some(started("kube-apiserver", self.folder.path(), self.places.api(self.parts)));
        wait_within(PATIENCE, "kube-apiserver to be ready", || {
            self.assert_running();
            let open = TcpStream::connect(self.places.api).is_ok();
            (open && self.kubectl(&["get", "--raw", "/readyz"]).status.success()).then_some(())
        });
    }

    /// Ends kube-apiserver at once, as a power cut would; its etcd goes on.
    pub fn stop_api(&mut self) {
        self.api.take();
    }

    /// Freezes kube-apiserver (`SIGSTOP`) or lets it go on (`SIGCONT`): connections stay, and nothing answers.
    pub fn signal_api(&self, signal: Signal) {
        if let Some(api) = &self.api {
            api.signal(signal);
        }
    }

    fn start_others(&mut self) {
        let kubeconfig = self.kubeconfig.display().to_string();
        let folder = self.folder.path();
        let chosen = [
            (self.parts.controllers, "kube-controller-manager", Places::controllers as fn(&Places, &str) -> Command),
            (self.parts.scheduler, "kube-scheduler", Places::scheduler),
            (self.parts.kubelets, "kwok", Places::kwok),
        ];
        let chosen = chosen.into_iter().filter(|(wanted, _, _)| *wanted);
        self.others =
            chosen.map(|(_, name, command)| started(name, folder, command(&self.places, &kubeconfig))).collect();
        if self.parts.controllers {
            // The first thing that its controllers do for everybody; pods cannot be made before.
            wait_within(PATIENCE, "the default account", || {
                self.assert_running();
                let arguments = ["get", "serviceaccount", "default", "--ignore-not-found", "-o", "name"];
                (!self.kubectl(&arguments).stdout.is_empty()).then_some(())
            });
        }
    }

    /// # Panics
    /// With the end of its log, when a part ended by itself.
    fn assert_running(&mut self) {
        let parts = self.others.iter_mut().chain(&mut self.api).chain([&mut self.etcd]);
        let ended: Vec<String> = parts.filter_map(|part| part.0.try_wait().unwrap()).map(|s| s.to_string()).collect();
        assert!(ended.is_empty(), "a part of the control plane ended with {ended:?}:\n{}", self.logs());
    }

    /// The last lines of every log.
    #[must_use]
    pub fn logs(&self) -> String {
        let names = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];
        let mut text = String::new();
        for name in names {
            let log = fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(5)..] {
                text.push_str(&format!("{name}: {line}\n"));
            }
        }
        text
    }

    /// Where the API is: `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.places.api)
    }

    /// A kubeconfig that may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// kubectl as the user of that kubeconfig, not started.
    #[must_use]
    pub fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.places.programs.path("kubectl"));
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments).stdin(Stdio::null());
        command.env_clear().env("HOME", self.folder.path());
        command
    }

    /// What kubectl says and how it ends.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_command(arguments).output().unwrap()
    }

    /// What kubectl prints, which must be a success.
    ///
    /// # Panics
    /// When it is not.
    pub fn told(&self, arguments: &[&str]) -> String {
        success(arguments, self.kubectl(arguments))
    }

    /// kubectl with `text` as its standard input: `["apply", "-f", "-"]`.
    #[must_use]
    pub fn kubectl_with(&self, arguments: &[&str], text: &str) -> Output {
        let mut command = self.kubectl_command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A kubectl that ended early has said why.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Applies manifests.
    ///
    /// # Panics
    /// When they are refused.
    pub fn apply(&self, text: &str) {
        let arguments = ["apply", "-f", "-"];
        success(&arguments, self.kubectl_with(&arguments, text));
    }

    /// Registers nodes as k3s does, their status included.
    ///
    /// # Panics
    /// When they are refused.
    pub fn create_nodes(&self, nodes: &[MadeNode]) {
        let objects: Vec<serde_json::Value> = nodes.iter().map(MadeNode::object).collect();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let arguments = ["create", "--field-manager=k3s", "-f", "-"];
        success(&arguments, self.kubectl_with(&arguments, &list.to_string()));
    }

    /// Registers one.
    ///
    /// # Panics
    /// When it is refused.
    pub fn create_node(&self, node: &MadeNode) {
        self.create_nodes(std::slice::from_ref(node));
    }

    /// A Node as the API has it.
    ///
    /// # Panics
    /// When there is none of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.told(&["get", "node", name, "--show-managed-fields", "-o", "json"])).unwrap()
    }
}

fn url(api: SocketAddr) -> String {
    format!("https://{api}")
}

fn places(programs: Programs, folder: &Path) -> Places {
    Places {
        programs,
        folder: folder.to_owned(),
        api: free_address(),
        etcd: free_address(),
        etcd_peer: free_address(),
        controllers: free_address(),
        scheduler: free_address(),
    }
}

/// Starts a part with a log of its own, which a later start goes on with.
fn started(name: &str, folder: &Path, mut command: Command) -> Running {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join(format!("{name}.log"))).unwrap();
    let both = log.try_clone().unwrap();
    Running(command.stdin(Stdio::null()).stdout(both).stderr(log).spawn().unwrap())
}

fn success(arguments: &[&str], output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "kubectl {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}
