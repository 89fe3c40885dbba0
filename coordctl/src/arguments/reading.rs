//! The arguments of the verbs that change nothing at the coordinator.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;
use coord_model::Measure;

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
    /// Labels and taints that Coord keeps on Kubernetes Nodes
    #[value(alias = "taints")]
    Labels,
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
    /// A node's name, label/NODE/KEY, taint/NODE/KEY, kubernetes, cluster-file or coordinator
    pub(crate) subject: String,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Let this node read everything again first, and show it alone
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Let the node measure fdatasync below k3s' data, for 4 s and at most 22 MiB
    #[arg(long, requires = "node")]
    pub(crate) disk_latency: bool,
    /// Let the node look for the largest packet that reaches the coordinator
    #[arg(long, requires = "node")]
    pub(crate) path_mtu: bool,
    /// Let the node look how busy its video engines are; wakes none
    #[arg(long, requires = "node")]
    pub(crate) gpu_busy: bool,
}

impl Check {
    /// What the node is to measure.
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let wanted = [
            (self.disk_latency, Measure::DiskLatency),
            (self.path_mtu, Measure::PathMtu),
            (self.gpu_busy, Measure::GpuBusy),
        ];
        wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, measure)| measure).collect()
    }
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

/// `manual`.
#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The folder, which is there
    pub(crate) folder: PathBuf,
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

/// The cluster file.
#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Say everything that is wrong with a file, each mistake with its place; needs no coordinator
    Validate(ClusterValidate),
    /// Check a file and put it in the place of the one in force
    #[command(after_help = "Example:\n  coordctl cluster apply cluster.yaml --dry-run")]
    Apply(ClusterApply),
    /// Print the JSON Schema of the file, for editors; needs no coordinator
    Schema,
    /// Print what is in force, with every default filled in
    Show,
}

/// Which file.
#[derive(Debug, Args)]
pub(crate) struct ClusterValidate {
    /// The file; - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `cluster apply`.
#[derive(Debug, Args)]
pub(crate) struct ClusterApply {
    /// The file; - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only say what it declares differently
    #[arg(long)]
    pub(crate) dry_run: bool,
}
