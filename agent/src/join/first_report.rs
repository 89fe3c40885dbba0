//! The first report, sent by `join` itself, so that whoever joins sees that the coordinator has it.

use std::time::Duration;

use coord_model::{AgentMessage, AnySection, CoordinatorMessage};
use coord_proto::{
    client::{self, Caller},
    identity::Identity,
    tls::Window,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::session::{self, Introduction, orders::Orders};

/// How long the coordinator may take to say that it has the report.
const DEADLINE: Duration = Duration::from_secs(15);

/// Whether the coordinator has taken the sections in, or one sentence why not.
pub(super) async fn tell(
    identity: &Identity,
    introduction: &Introduction,
    sections: Vec<AnySection>,
) -> Result<(), String> {
    let told = timeout(DEADLINE, converse(identity, introduction, sections)).await;
    told.unwrap_or_else(|_| Err("the coordinator did not answer within 15 s".to_owned()))
}

async fn converse(identity: &Identity, introduction: &Introduction, sections: Vec<AnySection>) -> Result<(), String> {
    let connected = client::connect(&identity.coordinators, &Caller::Known(identity), Window::Ignore).await;
    let channel = connected.map_err(|error| error.to_string())?;
    let (send, receive) = mpsc::channel(2);
    let hello = session::hello(introduction, &Orders::new(identity.newest_generation, identity.newest_epoch));
    let report = AgentMessage::Sections { sequence: 1, whole: true, sections, refused: Vec::new(), unknown: 0 };
    for message in [AgentMessage::Hello(hello), report] {
        send.send(message).await.map_err(|_| "the stream closed at once".to_owned())?;
    }
    let opened = client::agents(channel).session(ReceiverStream::new(receive)).await;
    let mut inbound = opened.map_err(|status| status.message().to_owned())?.into_inner();
    loop {
        match inbound.message().await.map_err(|status| status.message().to_owned())? {
            Some(CoordinatorMessage::SectionsHeard { .. }) => return Ok(()),
            Some(CoordinatorMessage::End { message, .. }) => return Err(message),
            Some(_) => {}
            None => return Err("the coordinator closed the stream".to_owned()),
        }
    }
}
