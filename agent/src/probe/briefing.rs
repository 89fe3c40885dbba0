//! What a probing child is told and cannot read by itself: what earlier readings remembered, what is expected, and
//! what is to be measured. It comes on standard input, so that nothing of it stands in an argument.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use coord_model::{Expect, Measure};
use serde::{Deserialize, Serialize};

use crate::host::{FactsRequest, HelperLine, KnownVersion};

/// Where the root helper listens unless the settings name another place.
pub(crate) const HELPER_SOCKET: &str = "/run/coord-helper.sock";
/// The most that a briefing may be.
const LARGEST: u64 = 4 << 20;

/// What readings leave behind for later ones. The main process keeps it and does not look into it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Memory {
    /// What the k3s binary said when it was last run.
    pub(crate) k3s: Option<KnownVersion>,
}

/// Everything that a probing child is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Briefing {
    /// What earlier readings left behind; a reading may change it.
    pub(crate) memory: Memory,
    /// What the coordinator expects to be true here.
    pub(crate) expect: Expect,
    /// What is measured this time only.
    pub(crate) measures: Vec<Measure>,
    /// `ADDRESS:PORT` of the coordinator of this session.
    pub(crate) coordinator: Option<String>,
    /// Where the root helper listens.
    pub(crate) helper_socket: Option<PathBuf>,
}

impl Briefing {
    /// Reads it from a stream that ends.
    pub(crate) fn read(stream: impl Read) -> io::Result<Self> {
        let mut text = Vec::new();
        stream.take(LARGEST).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// The way to the root helper, with what it is asked for.
    pub(crate) fn line(&self) -> HelperLine {
        let socket = self.helper_socket.clone().unwrap_or_else(|| HELPER_SOCKET.into());
        HelperLine::new(socket, FactsRequest { containers: self.expect.containers.clone() })
    }
}
