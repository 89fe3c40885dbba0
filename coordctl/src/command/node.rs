//! `coordctl node`: approve, rename, revoke and forget.

use coord_model::{Approve, List, NameNode, NodeStatus, RenameNode, ViewKind};
use coord_proto::client::CALL_DEADLINE;

use super::{done, would};
use crate::{
    answer,
    arguments::{Node, NodeApprove, NodeRename},
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
};

/// Carries it out; that it is wanted was asked before.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn run(node: Node, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    match node {
        Node::Approve(arguments) => approve(arguments, coordinator, output).await,
        Node::Rename(arguments) => rename(arguments, coordinator, output).await,
        Node::Revoke(arguments) => {
            if arguments.dry_run {
                return dry("revoke", &arguments.name, coordinator, output).await;
            }
            let mut calls = coordinator.call().await?;
            let answer = within(CALL_DEADLINE, calls.control.revoke(NameNode { name: arguments.name })).await;
            done(&calls.answer(answer)?, output)
        }
        Node::Forget(arguments) => {
            if arguments.dry_run {
                return dry("forget", &arguments.name, coordinator, output).await;
            }
            let mut calls = coordinator.call().await?;
            let answer = within(CALL_DEADLINE, calls.control.forget(NameNode { name: arguments.name })).await;
            done(&calls.answer(answer)?, output)
        }
    }
}

async fn approve(arguments: NodeApprove, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let NodeApprove { name, all_known, dry_run } = arguments;
    match (dry_run, &name) {
        (true, Some(name)) => return dry("approve", name, coordinator, output).await,
        (true, None) => {
            return would("approve every node with a valid certificate that the store does not know", output);
        }
        (false, _) => {}
    }
    let request = Approve { name: name.unwrap_or_default(), all_known };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.approve(request)).await;
    done(&calls.answer(answer)?, output)
}

async fn rename(arguments: NodeRename, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let NodeRename { name, new_name, dry_run } = arguments;
    if dry_run {
        known(&name, coordinator).await?;
        return would(&format!("rename {name} to {new_name}"), output);
    }
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.rename(RenameNode { name, new_name })).await;
    done(&calls.answer(answer)?, output)
}

async fn dry(verb: &str, name: &str, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let node = known(name, coordinator).await?;
    would(&format!("{verb} {name}, which is {}", node.health), output)
}

/// The node of that name, as it is now.
async fn known(name: &str, coordinator: &Coordinator) -> Result<NodeStatus, Failure> {
    let list: List<NodeStatus> = answer::ask(coordinator, ViewKind::Nodes, "").await?.typed()?;
    let names: Vec<String> = list.items.iter().map(|node| node.name.clone()).collect();
    list.items.into_iter().find(|node| node.name == name).ok_or_else(|| {
        let failure = Failure::new(format_args!("there is no node {name}"));
        match names.as_slice() {
            [] => failure,
            names => failure.hint(format_args!("there are: {}", names.join(", "))),
        }
    })
}
