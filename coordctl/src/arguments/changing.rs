//! The arguments of the verbs that change something, at the coordinator or in what this user remembers.

use clap::{Args, Subcommand};

use super::duration;

/// `token`.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make one, good once; it alone is written to stdout
    Create(TokenCreate),
    /// All of them, without their secrets
    List,
    /// Make one useless
    Revoke(TokenRevoke),
}

/// `token create`.
#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// For the machine (with --operator: the person) with this name; without it they choose
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// How long it is good
    #[arg(long, default_value = "15m", value_parser = duration, value_name = "TIME")]
    pub(crate) ttl: std::time::Duration,
    /// For a person's coordctl instead of a machine
    #[arg(long)]
    pub(crate) operator: bool,
    /// The new machine takes the name, and the old one is revoked when it does
    #[arg(long, requires = "node")]
    pub(crate) replace: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `token revoke`.
#[derive(Debug, Args)]
pub(crate) struct TokenRevoke {
    /// Its id, or the start of it
    pub(crate) id: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `node`.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Let a pending node in
    Approve(NodeApprove),
    /// Give a node another name
    Rename(NodeRename),
    /// End a node's identity now; it needs a new token to come back
    Revoke(NodeEnd),
    /// Drop a node's identity and all that is known about it; nothing is removed from the machine
    Forget(NodeEnd),
}

/// `node approve`.
#[derive(Debug, Args)]
pub(crate) struct NodeApprove {
    /// The node
    #[arg(required_unless_present = "all_known", conflicts_with = "all_known")]
    pub(crate) name: Option<String>,
    /// Exactly those with a valid certificate that the store does not know, after a restore
    #[arg(long)]
    pub(crate) all_known: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `node rename`.
#[derive(Debug, Args)]
pub(crate) struct NodeRename {
    /// The old name
    pub(crate) name: String,
    /// The new one
    pub(crate) new_name: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `node revoke` and `node forget`.
#[derive(Debug, Args)]
pub(crate) struct NodeEnd {
    /// The node
    pub(crate) name: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `clock`.
#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Believe the coordinator's clock although it jumped
    Accept(ClockAccept),
}

/// `clock accept`.
#[derive(Debug, Args)]
pub(crate) struct ClockAccept {
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `context`.
#[derive(Debug, Subcommand)]
pub(crate) enum Contexts {
    /// Become an operator of a coordinator, with a token from a prompt or stdin, and use it from now on
    Add(ContextAdd),
    /// Use another one from now on
    Use(ContextName),
    /// All of them; the one in use has a star
    List,
}

/// `context add`.
#[derive(Debug, Args)]
pub(crate) struct ContextAdd {
    /// What to call it here
    pub(crate) name: String,
    /// The operator's name where the token leaves it open [default: this user's]
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Option<String>,
}

/// `context use`.
#[derive(Debug, Args)]
pub(crate) struct ContextName {
    /// Which one
    pub(crate) name: String,
}
