//! One table of call and role: the whole authorisation (law 10), applied before any call is dispatched.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use coord_proto::{
    identity::Role,
    refused::{REVOKED, Refused},
};
use http::{Request, Response};
use http_body_util::Limited;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use super::connection::{Caller, Who};
use crate::state::State;

/// Every call that the coordinator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Enrol,
    Renew,
    Rejoin,
    Session,
    Read,
    Watch,
    CreateToken,
    RevokeToken,
    Approve,
    Rename,
    Revoke,
    Forget,
    AcceptClock,
    Refresh,
    Apply,
    Pause,
    Resume,
    Accept,
    Withdraw,
    AdoptLabel,
    AdoptTaint,
    ApplyCluster,
}

impl Call {
    /// From the HTTP path of a request.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        Some(match path {
            "/coord.v1.Agents/Enrol" => Self::Enrol,
            "/coord.v1.Agents/Renew" => Self::Renew,
            "/coord.v1.Agents/Rejoin" => Self::Rejoin,
            "/coord.v1.Agents/Session" => Self::Session,
            "/coord.v1.Control/Read" => Self::Read,
            "/coord.v1.Control/Watch" => Self::Watch,
            "/coord.v1.Control/CreateToken" => Self::CreateToken,
            "/coord.v1.Control/RevokeToken" => Self::RevokeToken,
            "/coord.v1.Control/Approve" => Self::Approve,
            "/coord.v1.Control/Rename" => Self::Rename,
            "/coord.v1.Control/Revoke" => Self::Revoke,
            "/coord.v1.Control/Forget" => Self::Forget,
            "/coord.v1.Control/AcceptClock" => Self::AcceptClock,
            "/coord.v1.Control/Refresh" => Self::Refresh,
            "/coord.v1.Control/Apply" => Self::Apply,
            "/coord.v1.Control/Pause" => Self::Pause,
            "/coord.v1.Control/Resume" => Self::Resume,
            "/coord.v1.Control/Accept" => Self::Accept,
            "/coord.v1.Control/Withdraw" => Self::Withdraw,
            "/coord.v1.Control/AdoptLabel" => Self::AdoptLabel,
            "/coord.v1.Control/AdoptTaint" => Self::AdoptTaint,
            "/coord.v1.Control/ApplyCluster" => Self::ApplyCluster,
            _ => return None,
        })
    }
}

/// A caller's role as the table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Stranger,
    Node,
    Operator,
    Coordinator,
}

impl Kind {
    fn of(who: &Who) -> Self {
        match who {
            Who::Stranger => Self::Stranger,
            Who::Local { .. } => Self::Operator,
            Who::Certified(peer) => match peer.role {
                Role::Node(_) => Self::Node,
                Role::Operator(_) => Self::Operator,
                Role::Coordinator(_) => Self::Coordinator,
            },
        }
    }
}

/// The table.
pub(crate) fn allowed(kind: Kind, call: Call) -> bool {
    match kind {
        Kind::Stranger => matches!(call, Call::Enrol | Call::Rejoin),
        Kind::Node => matches!(call, Call::Session | Call::Renew | Call::Rejoin | Call::Enrol),
        Kind::Operator => match call {
            Call::Session => false,
            Call::Enrol | Call::Rejoin | Call::Renew => true,
            Call::Read | Call::Watch | Call::CreateToken | Call::RevokeToken | Call::Approve | Call::Rename => true,
            Call::Revoke | Call::Forget | Call::AcceptClock | Call::Refresh => true,
            Call::Apply | Call::Pause | Call::Resume | Call::Accept | Call::Withdraw => true,
            Call::AdoptLabel | Call::AdoptTaint | Call::ApplyCluster => true,
        },
        Kind::Coordinator => false,
    }
}

/// At most so many enrolments and rejoins a second, over all callers.
const ATTEMPTS_A_SECOND: f64 = 10.0;

/// The largest request of a caller without a certificate, in bytes.
const STRANGERS_REQUEST: usize = 64 * 1024;

/// A bucket that fills with [`ATTEMPTS_A_SECOND`] and holds as many.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * ATTEMPTS_A_SECOND;
        self.tokens = (self.tokens + gained).min(ATTEMPTS_A_SECOND);
        self.filled = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

/// Puts the table before every call.
#[derive(Clone)]
pub(crate) struct Authorise {
    state: Arc<State>,
    attempts: Arc<Mutex<Bucket>>,
}

impl Authorise {
    pub(crate) fn new(state: Arc<State>) -> Self {
        let bucket = Bucket { tokens: ATTEMPTS_A_SECOND, filled: Instant::now() };
        Self { state, attempts: Arc::new(Mutex::new(bucket)) }
    }

    /// Decides one request.
    fn decide(&self, caller: Option<&Caller>, path: &str) -> Result<(), Status> {
        let caller = caller.ok_or_else(|| Status::internal("the connection has no caller"))?;
        let call = Call::from_path(path).ok_or_else(|| Status::unimplemented(format!("no such call: {path}")))?;
        if !allowed(Kind::of(&caller.who), call) {
            return Err(Refused::new(format!("{} may not call {call:?}", caller.describe()))
                .into_status(Code::PermissionDenied));
        }
        caller.ask();
        self.certificate(caller, call)?;
        match call {
            Call::Enrol | Call::Rejoin => self.attempt(),
            _ => Ok(()),
        }
    }

    /// A certificate may have been revoked or run out since its handshake.
    fn certificate(&self, caller: &Caller, call: Call) -> Result<(), Status> {
        let Who::Certified(peer) = &caller.who else { return Ok(()) };
        if self.state.is_revoked(peer) {
            return Err(Refused::new(REVOKED)
                .hint("ask for a new token: coordctl token create")
                .into_status(Code::Unauthenticated));
        }
        if matches!(peer.role, Role::Operator(_)) && !self.state.registry.fleet().operators.contains(&peer.key_id) {
            return Err(Refused::new("this operator is not known here")
                .cause("the coordinator was restored from a backup that is older than the operator's enrolment")
                .hint("on the coordinator: coordctl token create --operator, then coordctl context add NAME")
                .into_status(Code::Unauthenticated));
        }
        let over = self.state.certificate_is_over(peer) && call != Call::Rejoin;
        if over { Err(Status::unauthenticated("the certificate has expired")) } else { Ok(()) }
    }

    fn attempt(&self) -> Result<(), Status> {
        let mut bucket = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.take(Instant::now()) {
            return Ok(());
        }
        Err(Refused::new("too many attempts at once")
            .hint("try again in a few seconds")
            .into_status(Code::ResourceExhausted))
    }
}

impl<S> Layer<S> for Authorise {
    type Service = Authorised<S>;

    fn layer(&self, inner: S) -> Authorised<S> {
        Authorised { inner, table: self.clone() }
    }
}

/// The calls behind the table.
#[derive(Clone)]
pub(crate) struct Authorised<S> {
    inner: S,
    table: Authorise,
}

impl<S> Service<Request<Body>> for Authorised<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.table.decide(request.extensions().get::<Caller>(), request.uri().path()) {
            Ok(()) => Box::pin(self.inner.call(bounded(request))),
            Err(status) => Box::pin(std::future::ready(Ok(status.into_http()))),
        }
    }
}

/// A stranger's request fits into a few kilobytes; more is cut off before anything is decoded.
fn bounded(request: Request<Body>) -> Request<Body> {
    match request.extensions().get::<Caller>().map(|caller| &caller.who) {
        Some(Who::Stranger) => request.map(|body| Body::new(Limited::new(body, STRANGERS_REQUEST))),
        Some(Who::Certified(_) | Who::Local { .. }) | None => request,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TENTH: Duration = Duration::from_millis(100);
    const CALLS: [Call; 22] = [
        Call::Enrol,
        Call::Renew,
        Call::Rejoin,
        Call::Session,
        Call::Read,
        Call::Watch,
        Call::CreateToken,
        Call::RevokeToken,
        Call::Approve,
        Call::Rename,
        Call::Revoke,
        Call::Forget,
        Call::AcceptClock,
        Call::Refresh,
        Call::Apply,
        Call::Pause,
        Call::Resume,
        Call::Accept,
        Call::Withdraw,
        Call::AdoptLabel,
        Call::AdoptTaint,
        Call::ApplyCluster,
    ];

    fn row(kind: Kind) -> Vec<Call> {
        CALLS.into_iter().filter(|call| allowed(kind, *call)).collect()
    }

    #[test]
    fn the_table_is_what_the_design_says() {
        assert_eq!(row(Kind::Stranger), [Call::Enrol, Call::Rejoin]);
        assert_eq!(row(Kind::Node), [Call::Enrol, Call::Renew, Call::Rejoin, Call::Session]);
        assert!(!allowed(Kind::Operator, Call::Session));
        assert_eq!(row(Kind::Coordinator), []);
    }

    #[test]
    fn every_call_has_a_path() {
        for call in CALLS {
            let paths = ["Agents", "Control"].map(|service| Call::from_path(&format!("/coord.v1.{service}/{call:?}")));
            assert!(paths.contains(&Some(call)), "{call:?}");
        }
    }

    #[test]
    fn ten_attempts_a_second_are_let_through() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: ATTEMPTS_A_SECOND, filled: start };
        let at_once = (0..100).filter(|_| bucket.take(start)).count();
        let later = (1..=100_u32).filter(|tenth| bucket.take(start + TENTH * *tenth)).count();
        assert_eq!((at_once, later), (10, 100));
    }
}
