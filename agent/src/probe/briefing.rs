//! What a probing child is told and cannot read by itself: what earlier readings remembered, what is expected, and
//! what is to be measured. It comes on standard input, so that nothing of it stands in an argument.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::PathBuf,
};

use coord_model::{Expect, Measure};
use serde::{Deserialize, Serialize};

use super::{
    disk::{FlipMemory, LogMemory},
    k3s::EtcdMemory,
    mounts::MountsMemory,
};
use crate::{
    host::{FactsRequest, HelperLine, KnownVersion},
    probe::gpu::GpuVerdict,
};

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
    /// Histograms of the embedded etcd.
    pub(crate) etcd: EtcdMemory,
    /// Which local file systems could be written.
    pub(crate) flips: FlipMemory,
    /// What the kernel's log said of disks.
    pub(crate) kernel_log: Option<LogMemory>,
    /// What the last test of each GPU said, by address.
    pub(crate) gpu: BTreeMap<String, GpuVerdict>,
    /// Counters of network and user-space mounts; the prober asks it for signs of life.
    pub(crate) mounts: MountsMemory,
}

/// Everything that a probing child is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Briefing {
    /// What earlier readings left behind; a reading may change it. It has a line of its own, which the main process
    /// passes on as text.
    #[serde(skip)]
    pub(crate) memory: Memory,
    /// What the coordinator expects to be true here.
    pub(crate) expect: Expect,
    /// What is measured this time only.
    pub(crate) measures: Vec<Measure>,
    /// `ADDRESS:PORT` of the coordinator of this session.
    pub(crate) coordinator: Option<String>,
    /// Where the root helper listens.
    pub(crate) helper_socket: Option<PathBuf>,
    /// Where the agent keeps its identity; a file that is measured with lies there.
    pub(crate) state_directory: Option<PathBuf>,
}

impl Briefing {
    /// Reads it from a stream that ends.
    pub(crate) fn read(stream: impl Read) -> io::Result<Self> {
        let mut text = Vec::new();
        stream.take(LARGEST).read_to_end(&mut text)?;
        let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
        let (first, rest) = text.split_at(end);
        let mut briefing: Self = serde_json::from_slice(first)?;
        // What an earlier child remembered is only ever a shortcut: what makes no sense is learned again.
        briefing.memory = serde_json::from_slice(rest).unwrap_or_default();
        Ok(briefing)
    }

    /// The text that [`Self::read`] understands: a line for the briefing, a line for what a child gave as `memory`.
    pub(crate) fn text(&self, memory: &str) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        text.extend_from_slice(memory.as_bytes());
        Ok(text)
    }

    /// The way to the root helper, with what it is asked for.
    pub(crate) fn line(&self) -> HelperLine {
        let socket = self.helper_socket.clone().unwrap_or_else(|| HELPER_SOCKET.into());
        HelperLine::new(socket, FactsRequest { containers: self.expect.containers.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_one_child_reaches_the_next_as_text() {
        let coordinator = Some("192.0.2.1:7443".to_string());
        let briefing = Briefing { coordinator, ..Briefing::default() };
        assert_eq!(Briefing::read(&briefing.text("").unwrap()[..]).unwrap(), briefing);
        let stamp = r#"{"path":"/usr/bin/k3s","size":9,"modifiedSeconds":7,"modifiedNanoseconds":1}"#;
        let memory = format!(r#"{{"k3s":{{"stamp":{stamp},"version":"v1"}}}}"#);
        let told = Briefing::read(&briefing.text(&memory).unwrap()[..]).unwrap();
        assert_eq!(told.memory.k3s.map(|known| known.version).as_deref(), Some("v1"));
        assert_eq!(told.coordinator, briefing.coordinator);
    }

    proptest::proptest! {
        #[test]
        fn a_broken_memory_is_forgotten(memory in ".{0,100}") {
            proptest::prop_assert!(Briefing::read(&Briefing::default().text(&memory).unwrap()[..]).is_ok());
        }
    }
}
