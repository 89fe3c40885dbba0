//! The arguments of the verbs that change nothing at the coordinator.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::duration;

/// `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Keep it on the screen and draw it again when it changes
    #[arg(long)]
    pub(crate) watch: bool,
    /// Wait until the fleet is healthy; exits with 5 if it is not in time
    #[arg(long, conflicts_with = "watch")]
    pub(crate) wait: bool,
    /// How long --wait waits
    #[arg(long, default_value = "60s", value_parser = duration, requires = "wait", value_name = "TIME")]
    pub(crate) timeout: std::time::Duration,
}

/// `get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Which table
    #[arg(value_enum)]
    pub(crate) noun: Noun,
    /// One node only
    pub(crate) name: Option<String>,
    /// Keep it on the screen and draw it again when it changes
    #[arg(long)]
    pub(crate) watch: bool,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Noun {
    /// Machines that run an agent
    Nodes,
    /// Graphics processors and whether they can be used
    Gpus,
    /// Local file systems
    Disks,
    /// Network file systems
    Mounts,
    /// Tokens; their secrets are not known to anybody
    Tokens,
    /// What happened
    Events,
}

/// `describe`.
#[derive(Debug, Subcommand)]
pub(crate) enum Describe {
    /// Every fact about one node, and why the others are not known
    Node(NodeName),
}

/// A node.
#[derive(Debug, Args)]
pub(crate) struct NodeName {
    /// The node
    pub(crate) name: String,
}

/// `why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// node/NAME, mount/NAME and so on; a bare name where only one thing has it
    pub(crate) subject: String,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Let this node read everything again first, and show it alone
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
}

/// `explain`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Explain {
    /// A code as it stands at a problem
    pub(crate) code: Option<String>,
    /// All codes
    #[arg(long)]
    pub(crate) list: bool,
}

/// `events`.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Go on with what happens from now on
    #[arg(long)]
    pub(crate) follow: bool,
}

/// `support-bundle`.
#[derive(Debug, Args)]
pub(crate) struct SupportBundle {
    /// Where to write it; - is stdout; a file that is there is kept
    pub(crate) file: PathBuf,
}

/// `completion`.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// For which shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// `version`.
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Do not ask the coordinator
    #[arg(long)]
    pub(crate) client: bool,
}
