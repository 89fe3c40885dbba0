//! The command line of each part: everything on loopback, on ports that were free, below one folder.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use super::{Parts, Programs};

/// What the parts have to know of each other.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) programs: Programs,
    /// Everything lies below it.
    pub(super) folder: PathBuf,
    pub(super) api: SocketAddr,
    pub(super) etcd: SocketAddr,
    pub(super) etcd_peer: SocketAddr,
    pub(super) controllers: SocketAddr,
    pub(super) scheduler: SocketAddr,
}

impl Places {
    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn command(&self, program: &str, flags: &[String]) -> Command {
        let mut command = Command::new(self.programs.path(program));
        // Nothing of the person who runs the tests is read or written.
        command.args(flags).env_clear().env("HOME", &self.folder).current_dir(&self.folder);
        command
    }

    /// Durability is not the subject here, so nothing waits for a disk.
    pub(super) fn etcd(&self) -> Command {
        let (client, peer) = (format!("http://{}", self.etcd), format!("http://{}", self.etcd_peer));
        let mut command = self.command("etcd", &[]);
        command.args(["--name=lab", "--unsafe-no-fsync", "--log-level=warn"]);
        command.arg("--data-dir").arg(self.folder.join("etcd"));
        command.arg("--listen-client-urls").arg(&client).arg("--advertise-client-urls").arg(&client);
        command.arg("--listen-peer-urls").arg(&peer).arg("--initial-advertise-peer-urls").arg(&peer);
        command.arg("--initial-cluster").arg(format!("lab={peer}"));
        command
    }

    pub(super) fn api(&self, parts: Parts) -> Command {
        let mut flags = vec![
            format!("--etcd-servers=http://{}", self.etcd),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.api.port()),
            // Loopback is no address for an endpoint, and nobody asks for the endpoint of this server.
            "--advertise-address=192.0.2.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--tls-cert-file={}", self.file("server.crt")),
            format!("--tls-private-key-file={}", self.file("server.key")),
            format!("--client-ca-file={}", self.file("ca.crt")),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", self.file("accounts.pub")),
            format!("--service-account-signing-key-file={}", self.file("accounts.key")),
            "--service-cluster-ip-range=10.43.0.0/16".to_owned(),
            "--allow-privileged=true".to_owned(),
        ];
        if !parts.controllers {
            // Without its controller no namespace has the account that this one asks for.
            flags.push("--disable-admission-plugins=ServiceAccount".to_owned());
        }
        self.command("kube-apiserver", &flags)
    }

    pub(super) fn controllers(&self, kubeconfig: &str) -> Command {
        let flags = [
            format!("--kubeconfig={kubeconfig}"),
            format!("--secure-port={}", self.controllers.port()),
            "--bind-address=127.0.0.1".to_owned(),
            "--leader-elect=false".to_owned(),
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={}", self.file("accounts.key")),
            format!("--root-ca-file={}", self.file("ca.crt")),
            format!("--cluster-signing-cert-file={}", self.file("ca.crt")),
            format!("--cluster-signing-key-file={}", self.file("ca.key")),
        ];
        self.command("kube-controller-manager", &flags)
    }

    pub(super) fn scheduler(&self, kubeconfig: &str) -> Command {
        let flags = [
            format!("--kubeconfig={kubeconfig}"),
            format!("--secure-port={}", self.scheduler.port()),
            "--bind-address=127.0.0.1".to_owned(),
            "--leader-elect=false".to_owned(),
        ];
        self.command("kube-scheduler", &flags)
    }

    /// Every node is alive, and pods on it run at once.
    pub(super) fn kwok(&self, kubeconfig: &str) -> Command {
        let mut stages: Vec<PathBuf> = std::fs::read_dir(self.programs.stages())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .collect();
        stages.sort();
        let mut flags = vec![
            format!("--kubeconfig={kubeconfig}"),
            "--manage-all-nodes=true".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
            // No port for logs and exec: two control planes would take it from each other.
            "--node-port=0".to_owned(),
            "--node-lease-duration-seconds=40".to_owned(),
        ];
        flags.extend(stages.iter().map(|stage| format!("--config={}", stage.display())));
        self.command("kwok", &flags)
    }
}
