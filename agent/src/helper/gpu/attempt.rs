//! The child's half: `coord-helper try ATTEMPT NODE` becomes who it shall be, tries one thing and says how it went.
//!
//! As the group it is user 65534 with the node's group and no other, so that neither root's rights nor a second group
//! helps. Credentials are changed in this process only, which ends right after.

use std::{
    error::Error,
    fs::{self, File},
    io,
    os::unix::{
        fs::{MetadataExt, OpenOptionsExt},
        process::CommandExt,
    },
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, FcntlArg, FdFlag, Flock, OFlag, fcntl},
    sys::{prctl, signal::Signal},
    unistd::{AccessFlags, Gid, Uid, faccessat, setgroups, setresgid, setresuid},
};

use super::is_node_name;
use crate::{
    helper::lane::lock,
    host::{Access, VAINFO},
    show,
};

/// The user that owns nothing.
const NOBODY: u32 = 65_534;
/// What a child says when all went well.
const FINE: &str = "ok";

/// What a child tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// faccessat as root.
    AsRoot,
    /// faccessat with the owning group only.
    AsGroup,
    /// A real open with the owning group only.
    Open,
    /// vainfo with the owning group only.
    Codecs,
}

impl Attempt {
    /// As it stands in the child's arguments.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AsRoot => "as-root",
            Self::AsGroup => "as-group",
            Self::Open => "open",
            Self::Codecs => "codecs",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::AsRoot, Self::AsGroup, Self::Open, Self::Codecs].into_iter().find(|attempt| attempt.name() == name)
    }
}

/// What a child's line means.
pub(super) fn verdict(line: &str) -> Reading<Access> {
    match line.trim_end_matches('\n') {
        FINE => Ok(Access { errno: None }),
        name if is_errno(name) => Ok(Access { errno: Some(name.to_string()) }),
        "" => Err(Unknown::error("the attempt was broken off")),
        other => Err(Unknown::error(coord_model::clean(other))),
    }
}

/// `EACCES`.
fn is_errno(name: &str) -> bool {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    name.len() <= 16 && name.len() > 1 && name.starts_with('E') && name.bytes().all(capital)
}

/// The whole child.
pub(in crate::helper) fn try_node(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [attempt, node] = arguments else { return Err("coord-helper try is for coord-helper itself".into()) };
    let attempt = Attempt::parse(attempt).filter(|_| is_node_name(node));
    let Some(attempt) = attempt else { return Err("coord-helper try is for coord-helper itself".into()) };
    die_with_parent()?;
    let said = match attempt {
        Attempt::AsRoot => name(ask(node)),
        Attempt::AsGroup => become_group(node).map_or_else(|why| why, |()| name(ask(node))),
        Attempt::Open => opened(node),
        Attempt::Codecs => listed(node),
    };
    Ok(show::text(&format!("{said}\n"))?)
}

fn name(tried: Result<(), Errno>) -> String {
    tried.map_or_else(|errno| format!("{errno:?}"), |()| FINE.to_string())
}

fn die_with_parent() -> Result<(), Errno> {
    prctl::set_pdeathsig(Signal::SIGKILL)
}

/// Asks mode, owner and device cgroup; never the driver, so nothing wakes.
fn ask(node: &str) -> Result<(), Errno> {
    faccessat(AT_FDCWD, node, AccessFlags::R_OK | AccessFlags::W_OK, AtFlags::AT_EACCESS)
}

/// Gives up everything but the group that owns the node; the step that failed as the error.
fn become_group(node: &str) -> Result<(), String> {
    let data = fs::symlink_metadata(node).map_err(|error| errno(&error))?;
    let (group, nobody) = (Gid::from_raw(data.gid()), Uid::from_raw(NOBODY));
    let failed = |what: &str| {
        let what = what.to_string();
        move |errno: Errno| format!("cannot become the node's group: {what}: {errno:?}")
    };
    setgroups(&[]).map_err(failed("setgroups"))?;
    setresgid(group, group, group).map_err(failed("setresgid"))?;
    setresuid(nobody, nobody, nobody).map_err(failed("setresuid"))?;
    // The kernel forgets it when credentials change.
    die_with_parent().map_err(failed("prctl"))
}

/// A folder that only root may write, on a file system that cannot hang.
const LOCKS: &str = "/run/coord-helper";
/// How long an attempt waits for another one at the same node that is about to end.
const SHARED: Duration = Duration::from_millis(300);

/// One open, closed at once. The lock stays as long as this process, so that a driver that never answers is asked by
/// one child and not by one more each time.
fn opened(node: &str) -> String {
    let held = match guard(Path::new(LOCKS), Attempt::Open, node) {
        Ok(held) => held,
        Err(why) => return why.message,
    };
    let said = become_group(node).map_or_else(|why| why, |()| name(open(node)));
    drop(held);
    said
}

/// One vainfo at a node, which keeps the lock until it ends: at most one hangs in the driver.
fn listed(node: &str) -> String {
    let held = match guard(Path::new(LOCKS), Attempt::Codecs, node) {
        Ok(held) => held,
        Err(why) => return why.message,
    };
    if let Err(errno) = bequeath(&held) {
        return format!("cannot keep the lock for vainfo: {errno:?}");
    }
    let said = become_group(node).map_or_else(|why| why, |()| list(node));
    drop(held);
    said
}

/// The lock of this attempt at this node.
fn guard(folder: &Path, attempt: Attempt, node: &str) -> Reading<Flock<File>> {
    let lane = format!("{}-{}", attempt.name(), node.rsplit('/').next().unwrap_or_default());
    lock(folder, &lane, Instant::now() + SHARED)
}

/// Leaves the lock open for the program that this process becomes: it ends with that program.
fn bequeath(held: &Flock<File>) -> Result<(), Errno> {
    fcntl::<&File>(held, FcntlArg::F_SETFD(FdFlag::empty())).map(drop)
}

fn open(node: &str) -> Result<(), Errno> {
    let flags = (OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW).bits();
    let opened = fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(node);
    opened.map(drop).map_err(|error| error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
}

/// Becomes vainfo; what went wrong where that is not possible.
fn list(node: &str) -> String {
    let Some(program) = VAINFO.into_iter().find(|path| Path::new(path).is_file()) else {
        return "vainfo is not installed".to_string();
    };
    let mut command = Command::new(program);
    command.args(["--display", "drm", "--device", node]).env_clear().env("LC_ALL", "C").current_dir("/");
    format!("cannot run {program}: {}", command.exec())
}

fn errno(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| format!("{:?}", Errno::from_raw(number)))
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_read_back() {
        assert_eq!(verdict("ok\n"), Ok(Access { errno: None }));
        for errno in [Errno::EPERM, Errno::EACCES, Errno::ENXIO, Errno::E2BIG] {
            assert_eq!(verdict(&format!("{}\n", name(Err(errno)))), Ok(Access { errno: Some(format!("{errno:?}")) }));
        }
        for line in ["", "E", "cannot become the node's group: setgroups: EPERM", "Eacces", "EPERM EPERM"] {
            assert_eq!(verdict(line).unwrap_err().state, ValueState::Error, "{line:?}");
        }
    }

    #[test]
    fn what_a_child_is_not_told_by_the_program_itself_is_refused() {
        let strings = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        for words in [&["as-root"][..], &["as-root", "/dev/sda"], &["as-king", "/dev/dri/card0"], &[]] {
            assert!(try_node(&strings(words)).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_second_vainfo_does_not_start_beside_one_that_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let node = "/dev/dri/renderD128";
        let held = guard(folder.path(), Attempt::Codecs, node).unwrap();
        let flags = || FdFlag::from_bits_retain(fcntl::<&File>(&held, FcntlArg::F_GETFD).unwrap());
        assert!(flags().contains(FdFlag::FD_CLOEXEC));
        bequeath(&held).unwrap();
        assert!(!flags().contains(FdFlag::FD_CLOEXEC));
        let reason = guard(folder.path(), Attempt::Codecs, node).unwrap_err();
        assert_eq!(reason.state, ValueState::Timeout);
        assert!(reason.message.contains("codecs-renderD128"), "{}", reason.message);
        assert!(guard(folder.path(), Attempt::Open, node).is_ok(), "an open is another question");
        assert!(guard(folder.path(), Attempt::Codecs, "/dev/dri/renderD129").is_ok());
    }

    #[test]
    fn a_missing_node_has_its_errno() {
        assert_eq!(name(ask("/dev/dri/card999999")), "ENOENT");
        assert_eq!(name(open("/dev/dri/card999999")), "ENOENT");
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "\\PC*") {
            drop(verdict(&line));
        }
    }
}
