//! A client from a kubeconfig or from the pod's own account, and which cluster it leads to.

use std::{os::unix::fs::MetadataExt, path::Path, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, Config};

use super::{
    Settings,
    failure::{Failure, Right},
};

mod kubeconfig;

/// How long TCP and TLS may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer to a read may take.
pub(super) const READ: Duration = Duration::from_secs(30);
/// How long an answer to a write may take: [`super::lease::HELD`] and this are no longer than a Lease lasts.
pub(super) const WRITE: Duration = Duration::from_secs(10);
/// A watch has a bookmark every minute: a connection that is silent for longer than this is dead.
const SILENCE: Duration = Duration::from_secs(90);

/// How often it is looked whether there is another kubeconfig.
const LOOK: Duration = Duration::from_secs(2);

const READ_NAMESPACE: Right = Right { group: "", resource: "namespaces", verb: "get" };

/// A way to the API server.
#[derive(Clone)]
pub(super) struct Connection {
    /// The client.
    pub(super) client: Client,
    /// Its address, for people.
    pub(super) server: Arc<str>,
}

impl Connection {
    /// The answer to `call`, which needs `right` and may take `limit`.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn ask<T>(
        &self,
        limit: Duration,
        right: Right,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer.map_err(|error| Failure::of(&error, &self.server, right)),
            Err(_) => Err(Failure::late(&self.server, limit, right)),
        }
    }

    /// Which cluster it is: the UID of its namespace `kube-system`, which lives as long as the cluster.
    ///
    /// # Errors
    /// Why that cannot be read.
    pub(super) async fn cluster(&self) -> Result<String, Failure> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let found = self.ask(READ, READ_NAMESPACE, namespaces.get_metadata("kube-system")).await?;
        found.metadata.uid.ok_or_else(|| Failure::away("the namespace kube-system has no UID", None))
    }
}

/// Whether anything says where a cluster is.
pub(super) fn is_configured(settings: &Settings) -> bool {
    settings.kubeconfig.is_some() || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

/// Ends when another kubeconfig lies where the one in use was read: whoever puts a narrower account there means it. One
/// that is gone is no order.
pub(super) async fn replaced(settings: &Settings) {
    let Some(path) = &settings.kubeconfig else { return std::future::pending().await };
    let first = stamp(path).await;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = stamp(path).await;
        if now.is_some() && now != first {
            return;
        }
    }
}

/// Which file lies there, as far as that shows without reading it.
async fn stamp(path: &Path) -> Option<(u64, u64, i64, i64)> {
    let path = path.to_owned();
    let look = move || std::fs::metadata(path).ok();
    let data = tokio::task::spawn_blocking(look).await.ok()??;
    Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
}

/// A client. The kubeconfig is read each time: a file that appears or changes counts at the next attempt.
///
/// # Errors
/// Why there is none.
pub(super) async fn connect(settings: &Settings) -> Result<Connection, Failure> {
    let mut config = match &settings.kubeconfig {
        Some(path) => kubeconfig::read(path).await?,
        None => Config::incluster_env()
            .map_err(|error| Failure::away(format!("the pod's service account cannot be used: {error}"), POD))?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    config.write_timeout = Some(WRITE);
    // A repeated write would be sent after the Lease was last looked at; the next turn tries again instead.
    config.default_retry = false;
    let server = config.cluster_url.to_string();
    let server = Arc::from(server.trim_end_matches('/'));
    let client = Client::try_from(config).map_err(|error| kubeconfig::no_client(&error))?;
    Ok(Connection { client, server })
}

const POD: Option<&str> = Some("set `automountServiceAccountToken: true` on the pod, or give a kubeconfig");
