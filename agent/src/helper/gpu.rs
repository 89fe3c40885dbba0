//! The verb `gpu`: what root and the owning group may do with a node, tried in children, and what its driver can.
//!
//! Every attempt is a child of its own with a deadline, so that a driver that hangs costs one answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState, section::Codecs};
use nix::sys::stat::major;

use self::attempt::Attempt;
use crate::host::{Access, Answer, GpuAnswers, GpuRequest, HelperGpu};

pub(super) use attempt::try_node;

mod attempt;
mod child;
mod vainfo;

/// Where the nodes are.
const FOLDER: &str = "/dev/dri/";
/// The major number of all DRM nodes (Documentation/admin-guide/devices.txt).
const DRM: u64 = 226;
/// The most nodes of one request.
const MOST_NODES: usize = 16;
/// For asking and opening; these answer in microseconds or not at all.
const ATTEMPT: Duration = Duration::from_secs(1);
/// For a driver that lists its codecs.
const CODECS: Duration = Duration::from_secs(3);
/// What a child may take beyond its deadline until it is given up.
const GRACE: Duration = Duration::from_millis(300);

/// Everything that one node was tried for.
struct Pending {
    as_root: Started<Access>,
    as_group: Started<Access>,
    open: Option<Started<Access>>,
    codecs: Option<Started<Codecs>>,
}

/// An attempt on its way.
struct Started<T> {
    answer: Receiver<Reading<T>>,
    end: Instant,
}

/// Answers the request, or says why it is refused.
pub(super) fn answer(request: &GpuRequest) -> Result<GpuAnswers, String> {
    permitted(request)?;
    let (there, gone): (Vec<&String>, Vec<&String>) = request.nodes.iter().partition(|node| fs::metadata(node).is_ok());
    let pending: BTreeMap<&String, Pending> = there.into_iter().map(|node| (node, start(node, request))).collect();
    let mut answers: GpuAnswers = pending.into_iter().map(|(node, pending)| (node.clone(), pending.finish())).collect();
    answers.extend(gone.into_iter().map(|node| (node.clone(), not_there())));
    Ok(answers)
}

/// Refuses whatever is not a DRM node: the helper touches no other device.
fn permitted(request: &GpuRequest) -> Result<(), String> {
    if request.nodes.len() > MOST_NODES {
        return Err(format!("{} nodes are more than {MOST_NODES}", request.nodes.len()));
    }
    let known: BTreeSet<&String> = request.nodes.iter().collect();
    if let Some(other) = request.open.iter().chain(&request.codecs).find(|node| !known.contains(node)) {
        return Err(format!("{other:?} is not among the nodes"));
    }
    request.nodes.iter().try_for_each(|node| {
        if !is_node_name(node) {
            return Err(format!("{node:?} is no DRM node"));
        }
        match fs::symlink_metadata(node) {
            Ok(data) if data.file_type().is_char_device() && major(data.rdev()) == DRM => Ok(()),
            Ok(_) => Err(format!("{node} is no character device with major number {DRM}")),
            // Gone meanwhile: an answer and no offence.
            Err(_) => Ok(()),
        }
    })
}

/// `/dev/dri/renderD128`, `/dev/dri/card0` and nothing else.
fn is_node_name(path: &str) -> bool {
    let number = path.strip_prefix(FOLDER).and_then(|name| name.strip_prefix("renderD").or(name.strip_prefix("card")));
    number.is_some_and(|number| (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Starts everything that is wanted of one node at the same time.
fn start(node: &str, request: &GpuRequest) -> Pending {
    let wanted = |list: &[String]| list.iter().any(|other| other == node);
    let access = |attempt: Attempt| {
        begin(ATTEMPT, node, move |node| {
            child::attempt(attempt, node, ATTEMPT).and_then(|text| attempt::verdict(&text))
        })
    };
    Pending {
        as_root: access(Attempt::AsRoot),
        as_group: access(Attempt::AsGroup),
        open: wanted(&request.open).then(|| access(Attempt::Open)),
        codecs: wanted(&request.codecs).then(|| {
            begin(CODECS, node, |node| {
                child::attempt(Attempt::Codecs, node, CODECS).and_then(|text| vainfo::parse(&text))
            })
        }),
    }
}

/// Runs `work` on a thread; a thread that never ends goes with the process.
fn begin<T: Send + 'static>(
    limit: Duration,
    node: &str,
    work: impl FnOnce(&str) -> Reading<T> + Send + 'static,
) -> Started<T> {
    let (send, answer) = channel();
    let node = node.to_string();
    let failed = send.clone();
    let started = thread::Builder::new().spawn(move || {
        // Nobody listens when the deadline has passed.
        drop(send.send(work(&node)));
    });
    if let Err(error) = started {
        drop(failed.send(Err(Unknown::error(format!("no thread for an attempt: {error}")))));
    }
    Started { answer, end: Instant::now() + limit + GRACE }
}

impl<T> Started<T> {
    fn finish(self) -> Reading<T> {
        let left = self.end.saturating_duration_since(Instant::now());
        self.answer.recv_timeout(left).unwrap_or_else(|_| {
            Err(Unknown::new(ValueState::Timeout, "an attempt to use the node did not end, and could not be ended"))
        })
    }
}

impl Pending {
    fn finish(self) -> HelperGpu {
        HelperGpu {
            as_root: self.as_root.finish().into(),
            as_group: self.as_group.finish().into(),
            open: self.open.map(|started| started.finish().into()),
            codecs: self.codecs.map(|started| started.finish().into()),
        }
    }
}

/// A node that went away.
fn not_there() -> HelperGpu {
    let access = || Answer::Value(Access { errno: Some("ENOENT".to_string()) });
    HelperGpu { as_root: access(), as_group: access(), open: None, codecs: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(nodes: &[&str], open: &[&str]) -> GpuRequest {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        GpuRequest { nodes: owned(nodes), open: owned(open), codecs: Vec::new() }
    }

    #[test]
    fn only_names_of_drm_nodes_pass() {
        for name in ["/dev/dri/renderD128", "/dev/dri/card0", "/dev/dri/card1234"] {
            assert!(is_node_name(name), "{name}");
        }
        for name in [
            "/dev/dri/renderD",
            "/dev/dri/renderD1x",
            "/dev/dri/../sda",
            "/dev/dri/card0/../../sda",
            "/dev/sda",
            "renderD128",
            "/dev/dri/renderD1234567",
            "/dev/dri/card0\n",
            "/dev/dri/controlD64",
            "",
        ] {
            assert!(!is_node_name(name), "{name:?}");
            assert!(answer(&request(&[name], &[])).is_err(), "{name:?}");
        }
    }

    #[test]
    fn too_many_nodes_and_nodes_from_nowhere_are_refused() {
        let many: Vec<String> = (0..=MOST_NODES).map(|number| format!("/dev/dri/card{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(answer(&request(&many, &[])).unwrap_err().contains("more than 16"));
        let why = answer(&request(&["/dev/dri/card0"], &["/dev/dri/card1"])).unwrap_err();
        assert!(why.contains("not among the nodes"), "{why}");
    }

    #[test]
    fn a_node_that_is_gone_is_an_answer() {
        let path = "/dev/dri/card999999";
        let answers = answer(&request(&[path], &[])).unwrap();
        assert_eq!(answers[path].as_root, Answer::Value(Access { errno: Some("ENOENT".to_string()) }));
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_the_folder(name in "\\PC*") {
            let path = format!("{FOLDER}{name}");
            prop_assert!(!is_node_name(&path) || !name.contains(['/', '.']));
        }
    }
}
