//! The `Control` service: what operators read and order.

use std::{pin::Pin, sync::Arc, time::Duration};

use coord_model::{
    AcceptProblem, AdoptLabels, AdoptOneTaint, ApplyClusterFile, ApplyPlan, Approve, Command, CommandAction,
    CreateToken, CreatedToken, Document, Done, NameNode, Nothing, OutcomeResult, PauseSubject, Read, RefreshNode,
    RenameNode, ResumeSubject, RevokeToken, WithdrawProblem,
};
use coord_planner::Reach;
use coord_proto::{control::control_server, random_number, refused::Refused, token::Token};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status};

use super::{adopt, cluster_file, connection::Caller, decide};
use crate::{
    refusal::refuse,
    state::State,
    store::{
        generations, in_flight, names, nodes, operators,
        tokens::{self, NewToken, TokenRole},
    },
    views,
};

/// How long a refresh may take unless somebody says otherwise, and at most.
const REFRESH_DEADLINE: Duration = Duration::from_secs(20);
const LONGEST_DEADLINE: Duration = Duration::from_secs(120);
/// How long a decision waits for a plan that knows of it, and how often it looks.
const REPLANNED: Duration = Duration::from_secs(3);
const REPLANNED_PAUSE: Duration = Duration::from_millis(50);
/// The longest life of a token.
const LONGEST_TOKEN: Duration = Duration::from_secs(7 * 24 * 3600);
/// Watches that one coordinator serves at once.
const WATCHES: usize = 64;
/// A watch looks again at most this often, and at least this often.
const WATCH_PAUSE: Duration = Duration::from_millis(250);
const WATCH_AT_LEAST: Duration = Duration::from_secs(5);

/// The service.
pub(crate) struct Control(pub(crate) Arc<State>);

fn who<T>(request: &Request<T>) -> String {
    request.extensions().get::<Caller>().map_or_else(|| "somebody".to_owned(), Caller::describe)
}

fn done(message: String) -> Result<Response<Done>, Status> {
    Ok(Response::new(Done { message }))
}

/// Waits for a turn that knows of what was just decided: whoever asks for the plan next must not see the old one. Where
/// no cluster is looked at, turns are rare and nothing of the plan depends on it.
async fn replanned(state: &State) {
    let decided = state.boot();
    if state.kubernetes.observed().reach == Reach::NotConfigured {
        return;
    }
    let planned = async {
        // The screens are only woken by a plan that differs.
        while state.planned().at.boot <= decided {
            tokio::time::sleep(REPLANNED_PAUSE).await;
        }
    };
    // A turn that takes longer than that writes to a slow cluster: the decision holds all the same.
    let _ = timeout(REPLANNED, planned).await;
}

#[tonic::async_trait]
impl control_server::Control for Control {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<Document, Status>> + Send>>;

    async fn read(&self, request: Request<Read>) -> Result<Response<Document>, Status> {
        views::document(&self.0, &request.into_inner()).await.map(Response::new)
    }

    async fn watch(&self, request: Request<Read>) -> Result<Response<Self::WatchStream>, Status> {
        let read = request.into_inner();
        let first = views::document(&self.0, &read).await?;
        let (send, receive) = mpsc::channel(1);
        if self.0.registry.watchers() > WATCHES {
            return Err(Refused::new("too many watches are open")
                .hint("close one of them")
                .into_status(Code::ResourceExhausted));
        }
        drop(tokio::spawn(watch(Arc::clone(&self.0), read, first, send)));
        Ok(Response::new(Box::pin(ReceiverStream::new(receive))))
    }

    async fn create_token(&self, request: Request<CreateToken>) -> Result<Response<CreatedToken>, Status> {
        let by = who(&request);
        self.issue_token(request.into_inner(), by).await.map(Response::new)
    }

    async fn revoke_token(&self, request: Request<RevokeToken>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let (id, now) = (request.into_inner().id, self.0.wall());
        let token = self.0.store.call(move |database| tokens::revoke(database, &id, now)).await;
        let token = token.map_err(|error| refuse(&error))?;
        self.0.event(&format!("token/{}", token.id), &format!("revoked by {by}"));
        done(format!("token {} is revoked", token.id))
    }

    async fn approve(&self, request: Request<Approve>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let approve = request.into_inner();
        let approved = match approve.all_known {
            true => self.0.store.call(nodes::approve_all_known).await.map_err(|error| refuse(&error))?,
            false => {
                let name = approve.name;
                let node = self.0.store.call(move |database| nodes::approve(database, &name)).await;
                vec![node.map_err(|error| refuse(&error))?]
            }
        };
        let names: Vec<String> = approved.iter().map(|node| node.name.clone()).collect();
        for node in approved {
            self.0.event(&format!("node/{}", node.name), &format!("approved by {by}"));
            if let Some(known) = self.0.registry.fleet().nodes.get_mut(&node.id) {
                known.settle();
            }
            self.0.registry.put_row(node, self.0.boot());
        }
        done(match names.len() {
            0 => "nothing waits for approval".to_owned(),
            1..=20 => format!("approved: {}", names.join(", ")),
            more => format!("approved {more} nodes: {} and so on", names.get(..20).unwrap_or_default().join(", ")),
        })
    }

    async fn rename(&self, request: Request<RenameNode>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let RenameNode { name, new_name } = request.into_inner();
        let (old, new) = (name.clone(), new_name.clone());
        let node = self.0.store.call(move |database| nodes::rename(database, &old, &new)).await;
        let node = node.map_err(|error| refuse(&error))?;
        self.0.event(&format!("node/{new_name}"), &format!("renamed from {name} by {by}"));
        self.0.registry.put_row(node, self.0.boot());
        done(format!("{name} is now {new_name}"))
    }

    async fn revoke(&self, request: Request<NameNode>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let (name, now) = (request.into_inner().name, self.0.wall());
        if let Some(operator) = name.strip_prefix("operator/") {
            return self.revoke_operator(operator.to_owned(), &by).await;
        }
        let wanted = name.clone();
        let node = self.0.store.call(move |database| nodes::revoke(database, &wanted, now)).await;
        let node = node.map_err(|error| refuse(&error))?;
        self.0.revoked(&node.id);
        self.0.registry.put_row(node, self.0.boot());
        self.0.event(&format!("node/{name}"), &format!("revoked by {by}"));
        done(format!("{name} is revoked; its connections are closed"))
    }

    async fn forget(&self, request: Request<NameNode>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let (name, now) = (request.into_inner().name, self.0.wall());
        let wanted = name.clone();
        let node = self.0.store.call(move |database| nodes::forget(database, &wanted, now)).await;
        let node = node.map_err(|error| refuse(&error))?;
        self.0.revoked(&node.id);
        self.0.registry.forget(&node.id);
        self.0.event(&format!("node/{name}"), &format!("forgotten by {by}"));
        done(format!("{name} is forgotten; its name is free again"))
    }

    async fn accept_clock(&self, request: Request<Nothing>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let now = self.0.accept_clock().await.map_err(|error| refuse(&error))?;
        let time = views::rfc3339(now);
        self.0.event("coordinator", &format!("clock accepted by {by}: {time}"));
        done(format!("the clock is accepted: {time}"))
    }

    async fn refresh(&self, request: Request<RefreshNode>) -> Result<Response<Done>, Status> {
        self.refresh_node(request.into_inner()).await
    }

    async fn apply(&self, request: Request<ApplyPlan>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let done = decide::apply(&self.0, request.into_inner(), &by).await?;
        replanned(&self.0).await;
        Ok(Response::new(done))
    }

    async fn pause(&self, request: Request<PauseSubject>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let done = decide::pause(&self.0, request.into_inner(), &by).await?;
        replanned(&self.0).await;
        Ok(Response::new(done))
    }

    async fn resume(&self, request: Request<ResumeSubject>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        let done = decide::resume(&self.0, request.into_inner(), &by).await?;
        replanned(&self.0).await;
        Ok(Response::new(done))
    }

    async fn accept(&self, request: Request<AcceptProblem>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        decide::accept(&self.0, request.into_inner(), &by).await.map(Response::new)
    }

    async fn withdraw(&self, request: Request<WithdrawProblem>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        decide::withdraw(&self.0, request.into_inner(), &by).await.map(Response::new)
    }

    async fn adopt_label(&self, request: Request<AdoptLabels>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        adopt::label(&self.0, request.into_inner(), &by).await.map(Response::new)
    }

    async fn adopt_taint(&self, request: Request<AdoptOneTaint>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        adopt::taint(&self.0, request.into_inner(), &by).await.map(Response::new)
    }

    async fn apply_cluster(&self, request: Request<ApplyClusterFile>) -> Result<Response<Done>, Status> {
        let by = who(&request);
        cluster_file::apply(&self.0, request.into_inner(), &by).await.map(Response::new)
    }
}

impl Control {
    /// A person's key: their open connections end at once.
    async fn revoke_operator(&self, name: String, by: &str) -> Result<Response<Done>, Status> {
        let (wanted, now) = (name.clone(), self.0.wall());
        let operator = self.0.store.call(move |database| operators::revoke(database, &wanted, now)).await;
        let operator = operator.map_err(|error| refuse(&error))?;
        self.0.revoked(&operator.key_id);
        self.0.event(&format!("operator/{name}"), &format!("revoked by {by}"));
        done(format!("operator {name} is revoked; their connections are closed"))
    }

    async fn issue_token(&self, wish: CreateToken, by: String) -> Result<CreatedToken, Status> {
        if let Some(why) = self.0.distrust() {
            return Err(Refused::new("the coordinator makes no tokens while its clock is not trusted")
                .cause(why)
                .hint("if the clock is right: coordctl clock accept")
                .into_status(Code::FailedPrecondition));
        }
        if !wish.name.is_empty() {
            names::check(&wish.name).map_err(|error| refuse(&error))?;
        } else if wish.replace {
            return Err(Refused::new("a token that replaces needs a name")
                .hint("add --node NAME")
                .into_status(Code::InvalidArgument));
        }
        let lifetime = if wish.lifetime.is_zero() { self.0.settings.lifetimes.token } else { wish.lifetime };
        if lifetime > LONGEST_TOKEN || lifetime < Duration::from_secs(1) {
            return Err(Refused::new("a token lives between 1s and 7d")
                .hint("--ttl 15m")
                .into_status(Code::InvalidArgument));
        }
        let token = Token::generate(self.0.authority.pin(), wish.operator, self.0.advertised())
            .map_err(|_| Status::internal("no random numbers"))?;
        let now = self.0.wall();
        let row = NewToken {
            id: token.id_text(),
            secret_hash: tokens::hash(&token.secret),
            role: if wish.operator { TokenRole::Operator } else { TokenRole::Node },
            name: (!wish.name.is_empty()).then_some(wish.name),
            replace: wish.replace,
            created: now,
            expires: now.plus(lifetime),
            created_by: by.clone(),
        };
        let (id, expires) = (row.id.clone(), row.expires);
        self.0.store.call(move |database| tokens::create(database, &row)).await.map_err(|error| refuse(&error))?;
        self.0.event(&format!("token/{id}"), &format!("created by {by}"));
        Ok(CreatedToken { token: token.to_text(), id, lifetime, expires })
    }

    /// Asks a node to read sections again and waits until it has.
    async fn refresh_node(&self, wish: RefreshNode) -> Result<Response<Done>, Status> {
        let state = &self.0;
        let deadline = if wish.deadline.is_zero() { REFRESH_DEADLINE } else { wish.deadline.min(LONGEST_DEADLINE) };
        let (id, newest) = self.find(&wish.name)?;
        let key = format!("refresh-{:016x}", random_number().map_err(|_| Status::internal("no random numbers"))?);
        let action = action_text(&wish.sections);
        let flight = in_flight::InFlight {
            key: key.clone(),
            node: id.clone(),
            generation: 0,
            action: action.clone(),
            given: state.wall(),
            deadline,
        };
        let generation = state.store.call(move |database| {
            let generation = generations::next(database, &flight.node, newest)?;
            in_flight::put(database, &in_flight::InFlight { generation, ..flight })?;
            Ok::<_, generations::GenerationRefusal>(generation)
        });
        let generation = generation.await.map_err(|error| refuse(&error))?;
        let action_sections = CommandAction::Refresh { sections: wish.sections, measures: wish.measures };
        let command = Command { key: key.clone(), generation, epoch: state.epoch, deadline, action: action_sections };
        let sent = state.registry.send(&id, command, action, state.boot());
        let outcome = match sent {
            Ok(outcome) => timeout(deadline, outcome).await,
            Err(not_sent) => {
                self.over(&id, &key).await;
                return Err(Refused::new(format!("{} cannot be asked: {not_sent}", wish.name))
                    .hint(format!("coordctl why {}", wish.name))
                    .into_status(Code::FailedPrecondition));
            }
        };
        match outcome {
            Ok(Ok(outcome)) if outcome.result == OutcomeResult::Done => done(format!("{} has read again", wish.name)),
            Ok(Ok(outcome)) => Err(Refused::new(format!("{} answered {}", wish.name, outcome.result))
                .cause(outcome.message)
                .into_status(Code::Aborted)),
            Ok(Err(_)) | Err(_) => {
                self.over(&id, &key).await;
                Err(Refused::new(format!("{} did not answer within {} s", wish.name, deadline.as_secs()))
                    .hint(format!("coordctl describe node {}", wish.name))
                    .into_status(Code::Aborted))
            }
        }
    }

    /// A command that nobody waits for any more.
    async fn over(&self, id: &str, key: &str) {
        self.0.registry.give_up(id, key);
        let (id, key) = (id.to_owned(), key.to_owned());
        // A row that stays is taken away at the next start.
        let _ = self.0.store.call(move |database| in_flight::finish(database, &id, &key)).await;
    }

    fn find(&self, name: &str) -> Result<(String, u64), Status> {
        let fleet = self.0.registry.fleet();
        let found = fleet.nodes.values().find(|known| known.row.name == name && known.row.revoked_at.is_none());
        found.map(|known| (known.row.id.clone(), known.newest_generation)).ok_or_else(|| views::no_such_node(name))
    }
}

fn action_text(sections: &[coord_model::SectionKind]) -> String {
    match sections {
        [] => "read everything again".to_owned(),
        some => format!("read again: {}", some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Sends a document again whenever it may have changed, until the reader goes.
async fn watch(state: Arc<State>, read: Read, first: Document, send: mpsc::Sender<Result<Document, Status>>) {
    let mut changes = state.registry.subscribe();
    let mut read = read;
    let mut document = first;
    loop {
        read.after = views::newest_event(&document).unwrap_or(read.after);
        if send.send(Ok(document)).await.is_err() {
            return;
        }
        tokio::select! {
            () = send.closed() => return,
            changed = timeout(WATCH_AT_LEAST, changes.changed()) => if matches!(changed, Ok(Err(_))) { return },
        }
        tokio::time::sleep(WATCH_PAUSE).await;
        changes.mark_unchanged();
        document = match views::document(&state, &read).await {
            Ok(document) => document,
            Err(status) => return drop(send.send(Err(status)).await),
        };
    }
}
