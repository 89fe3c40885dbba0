//! Taking the ownership of labels and taints that somebody else set on a Node.

use coord_model::{AdoptLabels, AdoptOneTaint, Done};
use coord_proto::refused::Refused;
use tonic::{Code, Status};

use crate::state::State;

/// Takes one label of a node, or every one that Coord wants and somebody else owns.
pub(super) async fn label(state: &State, wish: AdoptLabels, by: &str) -> Result<Done, Status> {
    check(&wish.node, &wish.key, wish.all)?;
    let _ = (state, by);
    Err(no_cluster())
}

/// Takes a taint that was there before Coord.
pub(super) async fn taint(state: &State, wish: AdoptOneTaint, by: &str) -> Result<Done, Status> {
    check(&wish.node, &wish.key, false)?;
    let _ = (state, by);
    Err(no_cluster())
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

fn no_cluster() -> Status {
    Refused::new("no Kubernetes cluster is configured")
        .hint("coordinator serve --kubeconfig FILE")
        .into_status(Code::FailedPrecondition)
}
