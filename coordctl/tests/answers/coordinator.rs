//! A coordinator that answers from a script: a home with one ill node, which can be healed.

use std::{
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use coord_model::{
    API_VERSION, AcceptProblem, AdoptLabels, AdoptOneTaint, ApplyClusterFile, ApplyPlan, Approve, ChangeState, Check,
    CheckGroup, CheckRow, Code, CoordinatorStatus, CreateToken, CreatedToken, Document, Done, EventRow, Health, List,
    NameNode, NodeStatus, Nothing, PauseSubject, PlanView, PlannedChange, Problem, Read, RefreshNode, RenameNode,
    ResumeSubject, RevokeToken, Status, ViewKind, WithdrawProblem,
};
use coord_proto::{
    control::control_server::{Control, ControlServer},
    refused::Refused,
};
use tokio::{net::UnixListener, sync::watch};
use tokio_stream::{Stream, StreamExt, wrappers::UnixListenerStream};
use tonic::{Code as Kind, Request, Response, transport::Server};

/// Runs until it is dropped.
pub(crate) struct Coordinator {
    healthy: watch::Sender<bool>,
    calls: Arc<Mutex<Vec<String>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Coordinator {
    /// Listens on `control.sock` in a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let (healthy, _) = watch::channel(false);
        let calls = Arc::new(Mutex::new(Vec::new()));
        let script = Script { healthy: healthy.clone(), calls: Arc::clone(&calls) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(async { UnixListener::bind(folder.join("control.sock")).unwrap() });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let server = Server::builder().add_service(ControlServer::new(script));
            runtime.block_on(async {
                tokio::select! {
                    ended = server.serve_with_incoming(UnixListenerStream::new(listener)) => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { healthy, calls, stop: Some(stop), thread: Some(thread) }
    }

    /// Everything is well from now on.
    pub(crate) fn heal(&self) {
        self.healthy.send_replace(true);
    }

    /// What was called, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

struct Script {
    healthy: watch::Sender<bool>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    fn done(&self, call: String, message: &str) -> Answer<Done> {
        self.note(call);
        Ok(Response::new(Done { message: message.to_owned() }))
    }
}

type Answer<T> = Result<Response<T>, tonic::Status>;

fn problem() -> Problem {
    Problem::new(Code::GpuDeviceCgroup, "k3s-w3", "GPU i915 is there, but this container may not open it")
}

/// A home of one node.
pub(crate) fn status(healthy: bool) -> Status {
    Status {
        api_version: API_VERSION.to_owned(),
        kind: "Status".to_owned(),
        fleet: "home".to_owned(),
        healthy,
        stale: false,
        coordinator: CoordinatorStatus { version: "0.1.0".to_owned(), uptime_seconds: 5.0, instance: "c".to_owned() },
        nodes: vec![node(healthy)],
        problems: Vec::new(),
        actions: Vec::new(),
        waits: Vec::new(),
    }
}

fn node(healthy: bool) -> NodeStatus {
    NodeStatus {
        name: "k3s-w3".to_owned(),
        id: "5f".repeat(32),
        zone: None,
        platform: Some("proxmox lxc".to_owned()),
        guest_of: Some(coord_model::GuestOf { node: "proxmox".to_owned(), identifier: "113".to_owned() }),
        role: Some("agent".to_owned()),
        health: if healthy { Health::Ready } else { Health::Degraded },
        health_seconds: Some(3.0),
        last_seen_seconds: Some(2.0),
        agent_version: Some("0.1.0".to_owned()),
        gpus: None,
        mounts: None,
        problems: if healthy { Vec::new() } else { vec![problem()] },
        unknown: Default::default(),
    }
}

fn events(healthy: bool) -> List<EventRow> {
    let event = |id| EventRow {
        id,
        time: "2026-11-23T12:00:00Z".to_owned(),
        subject: "node/k3s-w3".to_owned(),
        message: "enrolled".to_owned(),
        count: 1,
    };
    // Newest first, and all again each time: coordctl sorts and tells each once.
    List::new("EventList", if healthy { vec![event(3), event(2), event(1)] } else { vec![event(2), event(1)] })
}

fn check() -> Check {
    let fine = CheckRow { message: "session since 3h".to_owned(), problem: None };
    let wrong = CheckRow { message: problem().message, problem: Some(problem()) };
    let group = CheckGroup { name: "k3s-w3".to_owned(), checks: vec![fine, wrong] };
    Check { api_version: API_VERSION.to_owned(), kind: "Check".to_owned(), stale: false, groups: vec![group] }
}

/// One change that waits for approval until the home is healed.
fn plan(healthy: bool) -> PlanView {
    let change = PlannedChange {
        id: "0a1b2c3d".to_owned(),
        symbol: "-".to_owned(),
        subject: "label/k3s-w3/gpu".to_owned(),
        node: "k3s-w3".to_owned(),
        message: "label gpu=true goes (no longer declared)".to_owned(),
        state: ChangeState::NeedsApproval,
    };
    let (id, changes) = if healthy { ("empty", Vec::new()) } else { ("7f3c12ab", vec![change]) };
    PlanView {
        api_version: API_VERSION.to_owned(),
        kind: "Plan".to_owned(),
        stale: false,
        id: id.to_owned(),
        age_seconds: 1.0,
        changes,
        waits: Vec::new(),
    }
}

fn document(view: ViewKind, healthy: bool) -> Result<Document, tonic::Status> {
    let json = match view {
        ViewKind::Status => serde_json::to_vec(&status(healthy)),
        ViewKind::Nodes => serde_json::to_vec(&List::new("NodeList", vec![node(healthy)])),
        ViewKind::Events => serde_json::to_vec(&events(healthy)),
        ViewKind::Check => serde_json::to_vec(&check()),
        ViewKind::Cluster => serde_json::to_vec(&serde_json::json!({
            "apiVersion": "coord.homelab/v1", "kind": "ClusterInForce", "declared": {"name": "old"},
        })),
        ViewKind::Plan => serde_json::to_vec(&plan(healthy)),
        other => return Err(tonic::Status::unimplemented(format!("no view {other} here"))),
    };
    Ok(Document { json: json.unwrap() })
}

#[tonic::async_trait]
impl Control for Script {
    async fn read(&self, request: Request<Read>) -> Answer<Document> {
        let Read { view, name, .. } = request.into_inner();
        self.note(format!("read {view} {name}").trim().to_owned());
        document(view, *self.healthy.borrow()).map(Response::new)
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<Document, tonic::Status>> + Send>>;

    async fn watch(&self, request: Request<Read>) -> Answer<Self::WatchStream> {
        let view = request.into_inner().view;
        let changes = tokio_stream::wrappers::WatchStream::new(self.healthy.subscribe());
        Ok(Response::new(Box::pin(changes.map(move |healthy| document(view, healthy)))))
    }

    async fn create_token(&self, request: Request<CreateToken>) -> Answer<CreatedToken> {
        let CreateToken { name, lifetime, operator, replace } = request.into_inner();
        self.note(format!("create-token {name} {} operator={operator} replace={replace}", lifetime.as_secs()));
        let token = "coord_secret".to_owned();
        Ok(Response::new(CreatedToken { token, lifetime, ..CreatedToken::default() }))
    }

    async fn revoke_token(&self, request: Request<RevokeToken>) -> Answer<Done> {
        self.done(format!("revoke-token {}", request.into_inner().id), "the token is revoked")
    }

    async fn approve(&self, request: Request<Approve>) -> Answer<Done> {
        self.done(format!("approve {}", request.into_inner().name), "approved")
    }

    async fn rename(&self, request: Request<RenameNode>) -> Answer<Done> {
        self.done(format!("rename {}", request.into_inner().name), "renamed")
    }

    async fn revoke(&self, request: Request<NameNode>) -> Answer<Done> {
        let name = request.into_inner().name;
        let refused = Refused::new(format!("there is no node {name}")).cause("it was forgotten");
        Err(refused.hint("coordctl get nodes").into_status(Kind::NotFound))
    }

    async fn forget(&self, request: Request<NameNode>) -> Answer<Done> {
        let name = request.into_inner().name;
        self.done(format!("forget {name}"), &format!("{name} is forgotten"))
    }

    async fn accept_clock(&self, _: Request<Nothing>) -> Answer<Done> {
        self.done("accept-clock".to_owned(), "accepted")
    }

    async fn refresh(&self, request: Request<RefreshNode>) -> Answer<Done> {
        let wanted = request.into_inner();
        let measures: String = wanted.measures.iter().map(|measure| format!(" {measure}")).collect();
        self.done(format!("refresh {}{measures}", wanted.name), "read again")
    }

    async fn apply(&self, request: Request<ApplyPlan>) -> Answer<Done> {
        let ApplyPlan { plan, changes } = request.into_inner();
        self.done(format!("apply {plan} {changes:?}"), "approved")
    }

    async fn pause(&self, request: Request<PauseSubject>) -> Answer<Done> {
        let PauseSubject { subject, reason } = request.into_inner();
        self.done(format!("pause {subject:?} {reason}"), "paused")
    }

    async fn resume(&self, request: Request<ResumeSubject>) -> Answer<Done> {
        self.done(format!("resume {:?}", request.into_inner().subject), "it goes on")
    }

    async fn accept(&self, request: Request<AcceptProblem>) -> Answer<Done> {
        let AcceptProblem { code, subject, until, reason } = request.into_inner();
        self.done(format!("accept {code} {subject} {} {reason}", until.rfc3339()), "accepted")
    }

    async fn withdraw(&self, request: Request<WithdrawProblem>) -> Answer<Done> {
        let WithdrawProblem { code, subject } = request.into_inner();
        self.done(format!("withdraw {code} {subject}"), "it counts again")
    }

    async fn adopt_label(&self, request: Request<AdoptLabels>) -> Answer<Done> {
        let AdoptLabels { node, key, all } = request.into_inner();
        self.done(format!("adopt-label {node} {key:?} {all}"), "adopted")
    }

    async fn adopt_taint(&self, request: Request<AdoptOneTaint>) -> Answer<Done> {
        let AdoptOneTaint { node, key } = request.into_inner();
        self.done(format!("adopt-taint {node} {key}"), "adopted")
    }

    async fn apply_cluster(&self, request: Request<ApplyClusterFile>) -> Answer<Done> {
        self.done(format!("apply-cluster {} bytes", request.into_inner().text.len()), "it is in force")
    }
}
