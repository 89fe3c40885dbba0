//! Arguments of `coordctl render`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is printed.
#[derive(Debug, Subcommand)]
pub(crate) enum Render {
    /// Everything that the cluster needs: namespace, account, rights, admission policy, resource type, Deployment
    Kubernetes(RenderKubernetes),
    /// kubectl lines for declared labels and taints, for people who only want to look
    Labels(RenderLabels),
    /// The resource type of the cluster file, a CustomResourceDefinition; needs no coordinator
    Crd,
}

/// What `coordctl render kubernetes` takes.
#[derive(Debug, Args)]
pub(crate) struct RenderKubernetes {
    /// The cluster file whose keys the policy allows [default: what the coordinator has in force]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Write a folder for kustomize instead of one stream
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// For a coordinator outside the cluster: its account and token, and nothing that runs
    #[arg(long)]
    pub(crate) outside: bool,
}

/// What `coordctl render labels` takes.
#[derive(Debug, Args)]
pub(crate) struct RenderLabels {
    /// The cluster file [default: what the coordinator has in force]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
