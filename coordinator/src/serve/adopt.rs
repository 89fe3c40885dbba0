//! Taking the ownership of labels and taints that somebody else set on a Node.

use coord_model::{AdoptLabels, AdoptOneTaint, Done};
use coord_planner::{label_subject, taint_subject};
use coord_proto::refused::Refused;
use tonic::{Code, Status};

use crate::{kubernetes, state::State, views};

/// Takes one label of a node, or every one that Coord wants and somebody else owns.
pub(super) async fn label(state: &State, wish: AdoptLabels, by: &str) -> Result<Done, Status> {
    check(&wish.node, &wish.key, wish.all)?;
    let waiting = foreign(state, "foreign-label", &label_subject(&wish.node, ""));
    let keys = if wish.all { waiting } else { asked_for(state, waiting, "label", &wish.node, wish.key)? };
    if keys.is_empty() {
        return Ok(Done { message: format!("no label of {} waits to be taken over", wish.node) });
    }
    state.kubernetes.adopt_labels(&wish.node, &keys).await.map_err(refused)?;
    for key in &keys {
        state.event(&label_subject(&wish.node, key), &format!("taken over by {by}"));
    }
    Ok(Done { message: format!("Coord owns {} of {} now", keys.join(", "), wish.node) })
}

/// Takes a taint that was there before Coord.
pub(super) async fn taint(state: &State, wish: AdoptOneTaint, by: &str) -> Result<Done, Status> {
    // People copy a taint as kubectl writes it, with its effect.
    let key = wish.key.split_once(':').map_or(wish.key.as_str(), |(key, _)| key);
    let wish = AdoptOneTaint { key: key.split_once('=').map_or(key, |(key, _)| key).to_owned(), ..wish };
    check(&wish.node, &wish.key, false)?;
    let waiting = foreign(state, "foreign-taint", &taint_subject(&wish.node, ""));
    asked_for(state, waiting, "taint", &wish.node, wish.key.clone())?;
    state.kubernetes.adopt_taint(&wish.node, &wish.key).await.map_err(refused)?;
    state.event(&taint_subject(&wish.node, &wish.key), &format!("taken over by {by}"));
    Ok(Done { message: format!("Coord owns the taint {} of {} now", wish.key, wish.node) })
}

/// The keys below `prefix` that wait because somebody else owns them.
fn foreign(state: &State, reason: &str, prefix: &str) -> Vec<String> {
    let planned = state.planned();
    let waits = planned.plan.waits.iter().map(|timed| &timed.wait).filter(|wait| wait.reason == reason);
    waits.filter_map(|wait| wait.subject.strip_prefix(prefix)).map(str::to_owned).collect()
}

/// Only what is declared can be taken over: what Coord owns and nobody declares goes at the next turn.
fn asked_for(state: &State, waiting: Vec<String>, kind: &str, node: &str, key: String) -> Result<Vec<String>, Status> {
    if waiting.contains(&key) {
        return Ok(vec![key]);
    }
    let shown = coord_model::clean(&key);
    if views::has_no_node(state, node) {
        return Err(Refused::new(format!("the cluster has no Node {}", coord_model::clean(node)))
            .hint("kubectl get nodes")
            .into_status(Code::NotFound));
    }
    Err(Refused::new(format!("no {kind} {shown} of {} waits to be taken over", coord_model::clean(node)))
        .cause(format!(
            "only a {kind} that is declared and belongs to somebody else can be; `coordctl plan` lists them"
        ))
        .hint("declare it in the cluster file first")
        .into_status(Code::FailedPrecondition))
}

fn check(node: &str, key: &str, all: bool) -> Result<(), Status> {
    match (node.is_empty(), key.is_empty(), all) {
        (false, false, false) | (false, true, true) => Ok(()),
        (true, _, _) | (false, true, false) | (false, false, true) => {
            Err(Refused::new("a node and either a key or --all are needed")
                .hint("coordctl label adopt NODE KEY")
                .into_status(Code::InvalidArgument))
        }
    }
}

/// In the words of the control API.
pub(super) fn refused(why: kubernetes::Refused) -> Status {
    let refused = Refused::new(why.why);
    let refused = if let Some(hint) = why.hint { refused.hint(hint) } else { refused };
    refused.into_status(Code::FailedPrecondition)
}
