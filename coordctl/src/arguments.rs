//! The command line as it is typed; the doc comments are its help.

mod changing;
mod deciding;
mod reading;
mod render;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use changing::{
    Clock, ContextAdd, Contexts, Node, NodeApprove, NodeEnd, NodeRename, Token, TokenCreate, TokenRevoke,
};
pub(crate) use deciding::{Accept, Apply, Label, LabelAdopt, Pause, Plan, Resume, Taint, TaintAdopt};
pub(crate) use reading::{
    Check, Cluster, ClusterApply, Completion, Describe, Events, Explain, Get, Manual, Noun, Status, SupportBundle,
    Version, Why,
};

pub(crate) use render::{Render, RenderKubernetes};

/// Says what is wrong, what is being done about it, and what it waits for.
///
/// Without --endpoint, --socket or --context: the environment (COORDCTL_ENDPOINT, COORDCTL_SOCKET,
/// COORDCTL_CONTEXT), then the context in use, then the coordinator's socket on this machine.
///
/// Exit codes: 0 fine, 1 failed, 2 usage, 3 unhealthy, 4 cannot reach the coordinator, 5 timed out,
/// 6 changes are planned (plan --detailed-exitcode).
#[derive(Debug, Parser)]
#[command(name = "coordctl", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What every verb takes.
    #[command(flatten)]
    pub(crate) common: Common,
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Common {
    /// Call the coordinator here, with the identity of the context in use
    #[arg(long, global = true, value_name = "HOST:PORT", conflicts_with = "socket")]
    pub(crate) endpoint: Option<String>,
    /// Call the coordinator on this machine through its socket
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "context")]
    pub(crate) socket: Option<PathBuf>,
    /// Call the coordinator that `coordctl context add NAME` remembered
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// How the answer is written; also COORDCTL_OUTPUT [default: table]
    #[arg(short, long, global = true, value_enum)]
    pub(crate) output: Option<Format>,
    /// When to colour; NO_COLOR is honoured too
    #[arg(long, global = true, value_enum, default_value = "auto")]
    pub(crate) color: Color,
    /// The same as --color never
    #[arg(long, global = true, conflicts_with = "color")]
    pub(crate) no_color: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, 80 columns
    Table,
    /// For people, every column
    Wide,
    /// The coordinator's document
    Json,
    /// The same as YAML
    Yaml,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Is anything wrong, what is being done, what is it waiting for
    Status(Status),
    /// Tables of nodes, gpus, disks, mounts, labels, tokens or events
    Get(Get),
    /// Everything about one node
    #[command(subcommand)]
    Describe(Describe),
    /// Every problem and wait about one subject, with what to do
    Why(Why),
    /// What was checked, group by group; exits with 3 if something is wrong
    Check(Check),
    /// What would be changed, what waits, and why
    Plan(Plan),
    /// Approve the changes of a plan
    Apply(Apply),
    /// Do nothing about something until it is resumed
    Pause(Pause),
    /// Go on with what was paused, or frozen because it changed too often
    Resume(Resume),
    /// Take a known risk: it stays listed and is not unhealthy any more, for a while
    Accept(Accept),
    /// Labels of Kubernetes Nodes
    #[command(subcommand)]
    Label(Label),
    /// Taints of Kubernetes Nodes
    #[command(subcommand)]
    Taint(Taint),
    /// What a code means and what to do; needs no coordinator
    Explain(Explain),
    /// Make, list and revoke the tokens that let machines and operators in
    #[command(subcommand)]
    Token(Token),
    /// Approve, rename, revoke and forget nodes
    #[command(subcommand)]
    Node(Node),
    /// The cluster file: check one, put it in force, print its schema, show what is in force
    #[command(subcommand)]
    Cluster(Cluster),
    /// Print manifests and kubectl lines to look at and apply by hand; nothing is sent
    #[command(subcommand)]
    Render(Render),
    /// The coordinator's clock
    #[command(subcommand)]
    Clock(Clock),
    /// What happened, oldest first
    Events(Events),
    /// Which coordinators this user knows
    #[command(subcommand)]
    Context(Contexts),
    /// One file for a bug report; addresses, names and ids are replaced
    SupportBundle(SupportBundle),
    /// Completions for a shell
    Completion(Completion),
    /// Write the manual pages into a folder; what packages are made with
    #[command(hide = true)]
    Manual(Manual),
    /// The version of coordctl and of the coordinator
    Version(Version),
}

/// `60s`, `15m`, `2h`, `1d`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is not a time: write for instance 60s, 15m, 2h or 1d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match number.checked_mul(each) {
        Some(seconds) if seconds > 0 => Ok(std::time::Duration::from_secs(seconds)),
        Some(_) | None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};
    use coord_model::Measure;

    use super::*;

    fn refused(line: &[&str]) -> ErrorKind {
        Arguments::try_parse_from(line).unwrap_err().kind()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(duration("15m").unwrap().as_secs(), 900);
        for wrong in ["", "15", "m", "0s", "-1s", "99999999999999999999d", "15é", "99999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert_eq!(refused(&["coordctl", "--endpoint", "a:1", "--socket", "b", "status"]), ErrorKind::ArgumentConflict);
        assert_eq!(refused(&["coordctl", "status", "--watch", "--wait"]), ErrorKind::ArgumentConflict);
        assert_eq!(refused(&["coordctl", "status", "--timeout", "5s"]), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused(&["coordctl", "token", "create", "--replace"]), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused(&["coordctl", "node", "approve"]), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused(&["coordctl", "node", "approve", "a", "--all-known"]), ErrorKind::ArgumentConflict);
        for verb in ["pause", "resume"] {
            assert_eq!(
                refused(&["coordctl", verb, ""]),
                ErrorKind::InvalidValue,
                "an empty variable is not everything"
            );
        }
        assert_eq!(refused(&["coordctl", "explain"]), ErrorKind::MissingRequiredArgument);
        for measure in ["--disk-latency", "--path-mtu", "--gpu-busy"] {
            assert_eq!(refused(&["coordctl", "check", measure]), ErrorKind::MissingRequiredArgument, "{measure}");
        }
        assert_eq!(refused(&["coordctl", "get", "workers"]), ErrorKind::InvalidValue);
        assert_eq!(refused(&["coordctl", "label", "adopt", "a"]), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused(&["coordctl", "label", "adopt", "a", "gpu", "--all"]), ErrorKind::ArgumentConflict);
        assert_eq!(refused(&["coordctl", "accept", "disk-full", "a"]), ErrorKind::MissingRequiredArgument);
        let withdrawn = ["coordctl", "accept", "disk-full", "a", "--withdraw", "--reason", "x"];
        assert_eq!(refused(&withdrawn), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn each_flag_asks_for_its_measure() {
        let line = ["coordctl", "check", "--node", "a", "--disk-latency", "--path-mtu", "--gpu-busy"];
        let measures = |count: usize| match Arguments::try_parse_from(&line[..count]).unwrap().verb {
            Verb::Check(check) => check.measures(),
            other => panic!("{other:?}"),
        };
        assert_eq!(measures(4), []);
        assert_eq!(measures(5), [Measure::DiskLatency]);
        assert_eq!(measures(7), [Measure::DiskLatency, Measure::PathMtu, Measure::GpuBusy]);
    }

    #[test]
    fn a_token_is_never_an_argument() {
        assert_eq!(refused(&["coordctl", "context", "add", "home", "coord_secret"]), ErrorKind::UnknownArgument);
    }
}
