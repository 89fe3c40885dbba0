//! The `Agents` service: getting in, staying in, coming back, and the session.

use std::sync::Arc;

use coord_model::{AgentMessage, Enrol, Enrolled, Rejoin, Renew, Wall};
use coord_proto::{agents::agents_server, identity::Role, refused::Refused, tls::Peer, token::hexadecimal};
use ring::rand::{SecureRandom, SystemRandom};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    connection::{Caller, Who},
    session,
};
use crate::{
    authority::{Issued, Request as SigningRequest},
    refusal::{refuse, sentence},
    state::State,
    store::{
        enrolment::{self, EnrolRefusal, Enrolment},
        names,
        nodes::{CertificateRecord, CredentialRecord},
        operators, rejoin, tokens,
        tokens::{TokenGrant, TokenRefusal, TokenRole},
    },
};

/// Bytes of a token's public half.
const TOKEN_ID: usize = 8;
/// Bytes of a rejoin credential: 256 random bits.
const CREDENTIAL: usize = 32;

/// The service.
pub(crate) struct Agents(pub(crate) Arc<State>);

fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request.extensions().get::<Caller>().cloned().ok_or_else(|| Status::internal("the connection has no caller"))
}

fn certified<T>(request: &Request<T>) -> Result<Peer, Status> {
    match caller(request)?.who {
        Who::Certified(peer) => Ok(peer),
        Who::Stranger | Who::Local { .. } => Err(Status::unauthenticated("this call needs a certificate")),
    }
}

/// A credential and what is stored of it.
fn credential(expires: Wall) -> Result<(Vec<u8>, CredentialRecord), Status> {
    let mut secret = vec![0; CREDENTIAL];
    SystemRandom::new().fill(&mut secret).map_err(|_| Status::internal("no random numbers"))?;
    let record = CredentialRecord { hash: tokens::hash(&secret), expires };
    Ok((secret, record))
}

fn record(issued: &Issued) -> CertificateRecord {
    CertificateRecord { serial: issued.serial.clone(), expires: issued.not_after }
}

#[tonic::async_trait]
impl agents_server::Agents for Agents {
    type SessionStream = ReceiverStream<Result<coord_model::CoordinatorMessage, Status>>;

    async fn enrol(&self, request: Request<Enrol>) -> Result<Response<Enrolled>, Status> {
        let caller = caller(&request)?;
        let enrol = request.into_inner();
        self.issuing()?;
        let signing = SigningRequest::parse(&enrol.request).map_err(|error| refuse(&error))?;
        let grant = self.grant(&enrol, &signing.key_id(), &caller).await?;
        match grant.role {
            TokenRole::Node => self.enrol_node(enrol, grant, &signing, &caller).await,
            TokenRole::Operator => self.enrol_operator(enrol, grant, &signing, &caller).await,
        }
        .map(Response::new)
    }

    async fn renew(&self, request: Request<Renew>) -> Result<Response<Enrolled>, Status> {
        let peer = certified(&request)?;
        self.issuing()?;
        let signing = SigningRequest::parse(&request.into_inner().request).map_err(|error| refuse(&error))?;
        if signing.key_id() != peer.key_id {
            return Err(Refused::new("a renewal keeps the key").into_status(Code::PermissionDenied));
        }
        match &peer.role {
            Role::Node(_) => self.renew_node(&signing).await,
            Role::Operator(name) => self.renew_operator(name.clone(), &signing).await,
            Role::Coordinator(_) => Err(Status::permission_denied("a coordinator renews nothing")),
        }
        .map(Response::new)
    }

    async fn rejoin(&self, request: Request<Rejoin>) -> Result<Response<Enrolled>, Status> {
        let caller = caller(&request)?;
        let wish = request.into_inner();
        self.issuing()?;
        let signing = SigningRequest::parse(&wish.request).map_err(|error| refuse(&error))?;
        self.rejoin_node(wish, &signing, &caller).await.map(Response::new)
    }

    async fn session(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let peer = certified(&request)?;
        let address = caller(&request)?.address;
        let replies = session::start(Arc::clone(&self.0), peer, address, request.into_inner());
        Ok(Response::new(ReceiverStream::new(replies)))
    }
}

impl Agents {
    /// Nothing is issued while the clock cannot be believed.
    fn issuing(&self) -> Result<(), Status> {
        match self.0.distrust() {
            None => Ok(()),
            Some(why) => Err(Refused::new("the coordinator issues nothing while its clock is not trusted")
                .cause(why)
                .hint("on the coordinator: coordctl clock accept")
                .into_status(Code::Unavailable)),
        }
    }

    async fn grant(&self, enrol: &Enrol, key_id: &str, caller: &Caller) -> Result<TokenGrant, Status> {
        if enrol.token_id.len() != TOKEN_ID {
            return Err(Status::invalid_argument("the token's id has the wrong length"));
        }
        let (id, secret, key_id) = (hexadecimal(&enrol.token_id), enrol.secret.clone(), key_id.to_owned());
        let now = self.0.wall();
        let shown = id.clone();
        let granted = self.0.store.call(move |database| tokens::present(database, &id, &secret, &key_id, now)).await;
        granted.map_err(|error| {
            let (subject, what) = match &error {
                // An id that nobody made is the caller's own invention: it must not name rows of the event log.
                TokenRefusal::Unknown { .. } => ("coordinator".to_owned(), "an unknown token was refused".to_owned()),
                known => (format!("token/{shown}"), sentence(known)),
            };
            self.0.event(&subject, &format!("{what}, shown by {}", caller.describe()));
            refuse(&error)
        })
    }

    async fn enrol_node(
        &self,
        enrol: Enrol,
        grant: TokenGrant,
        signing: &SigningRequest,
        caller: &Caller,
    ) -> Result<Enrolled, Status> {
        let (state, now) = (&self.0, self.0.wall());
        let lifetime = state.settings.lifetimes.certificate;
        let role = Role::Node(grant.key_id.clone());
        let issued = state.authority.issue(signing, &role, lifetime, now).map_err(|error| refuse(&error))?;
        let (secret, credential) = credential(now.plus(state.settings.lifetimes.rejoin))?;
        let name = if enrol.name.is_empty() { names::from_host(&enrol.evidence.host_name) } else { enrol.name };
        let enrolment = Enrolment {
            grant,
            name,
            evidence: enrol.evidence,
            version: enrol.version,
            certificate: record(&issued),
            credential,
        };
        let admitted = state.store.call(move |database| enrolment::enrol(database, &enrolment, now)).await;
        let admitted = admitted.map_err(|error: EnrolRefusal| {
            state.event("coordinator", &format!("enrolment refused for {}: {}", caller.describe(), sentence(&error)));
            refuse(&error)
        })?;
        if let Some(replaced) = admitted.replaced {
            state.revoked(&replaced.id);
            state.registry.put_row(replaced, state.boot());
        }
        let (name, id) = (admitted.node.name.clone(), admitted.node.id.clone());
        let what = if admitted.repeated { "enrolled again" } else { "enrolled" };
        state.event(&format!("node/{name}"), &format!("{what} from {}", caller.describe()));
        state.registry.put_row(admitted.node, state.boot());
        Ok(self.enrolled(issued, name, id, secret, lifetime))
    }

    async fn enrol_operator(
        &self,
        enrol: Enrol,
        grant: TokenGrant,
        signing: &SigningRequest,
        caller: &Caller,
    ) -> Result<Enrolled, Status> {
        let (state, now) = (&self.0, self.0.wall());
        let lifetime = state.settings.lifetimes.operator_certificate;
        let name = grant.name.clone().unwrap_or_else(|| enrol.name.clone());
        names::check(&name).map_err(|error| refuse(&error))?;
        let role = Role::Operator(name.clone());
        let issued = state.authority.issue(signing, &role, lifetime, now).map_err(|error| refuse(&error))?;
        let certificate = record(&issued);
        let (wished, version) = (name.clone(), enrol.version);
        let admitted = state
            .store
            .call(move |database| operators::enrol(database, &grant, &wished, &version, &certificate, now))
            .await
            .map_err(|error| refuse(&error))?;
        if let Some(replaced) = admitted.replaced {
            state.revoked(&replaced.key_id);
        }
        state.registry.fleet().operators.insert(admitted.operator.key_id);
        state.event(&format!("operator/{name}"), &format!("enrolled from {}", caller.describe()));
        Ok(self.enrolled(issued, name.clone(), name, Vec::new(), lifetime))
    }

    async fn renew_node(&self, signing: &SigningRequest) -> Result<Enrolled, Status> {
        let (state, now) = (&self.0, self.0.wall());
        let lifetime = state.settings.lifetimes.certificate;
        let id = signing.key_id();
        let issued =
            state.authority.issue(signing, &Role::Node(id.clone()), lifetime, now).map_err(|error| refuse(&error))?;
        let (secret, credential) = credential(now.plus(state.settings.lifetimes.rejoin))?;
        let (key_id, certificate) = (id.clone(), record(&issued));
        let node = state
            .store
            .call(move |database| rejoin::renew(database, &key_id, &certificate, &credential))
            .await
            .map_err(|error| refuse(&error))?;
        let name = node.name.clone();
        state.event(&format!("node/{name}"), "certificate renewed");
        state.registry.put_row(node, state.boot());
        Ok(self.enrolled(issued, name, id, secret, lifetime))
    }

    async fn renew_operator(&self, name: String, signing: &SigningRequest) -> Result<Enrolled, Status> {
        let (state, now) = (&self.0, self.0.wall());
        let lifetime = state.settings.lifetimes.operator_certificate;
        let role = Role::Operator(name.clone());
        let issued = state.authority.issue(signing, &role, lifetime, now).map_err(|error| refuse(&error))?;
        let (key_id, certificate) = (signing.key_id(), record(&issued));
        state
            .store
            .call(move |database| operators::renew(database, &key_id, &certificate))
            .await
            .map_err(|error| refuse(&error))?;
        Ok(self.enrolled(issued, name.clone(), name, Vec::new(), lifetime))
    }

    async fn rejoin_node(&self, wish: Rejoin, signing: &SigningRequest, caller: &Caller) -> Result<Enrolled, Status> {
        let (state, now) = (&self.0, self.0.wall());
        let lifetime = state.settings.lifetimes.certificate;
        let id = signing.key_id();
        let issued =
            state.authority.issue(signing, &Role::Node(id.clone()), lifetime, now).map_err(|error| refuse(&error))?;
        let (secret, next_credential) = credential(now.plus(state.settings.lifetimes.rejoin))?;
        let wish = rejoin::Return {
            key_id: id.clone(),
            credential: wish.credential,
            evidence: wish.evidence,
            version: wish.version,
            certificate: record(&issued),
            next_credential,
        };
        let seen = state.store.call(move |database| rejoin::rejoin(database, &wish, now)).await.map_err(|error| {
            state.event("coordinator", &format!("rejoin refused for {}: {}", caller.describe(), sentence(&error)));
            refuse(&error)
        })?;
        let name = seen.node.name.clone();
        let waits = if seen.newly_pending { ", waits for approval" } else { "" };
        state.event(&format!("node/{name}"), &format!("rejoined from {}{waits}", caller.describe()));
        state.registry.put_row(seen.node, state.boot());
        Ok(self.enrolled(issued, name, id, secret, lifetime))
    }

    fn enrolled(
        &self,
        issued: Issued,
        name: String,
        id: String,
        credential: Vec<u8>,
        lifetime: std::time::Duration,
    ) -> Enrolled {
        Enrolled {
            certificate: issued.der,
            authority: self.0.authority.certificate_der().to_vec(),
            name,
            id,
            credential,
            coordinators: self.0.advertised(),
            lifetime,
            expires: issued.not_after,
        }
    }
}
