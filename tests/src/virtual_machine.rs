//! A real machine with a kernel of its own, in QEMU: for what a container cannot do, such as an NFS server in the kernel,
//! modules and a power cut.
//!
//! It is a Debian of the same release as this machine, so that programs built here run there. Its disk goes back to
//! what it was when it ends, and it has no network but its loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

mod door;
mod emulator;
mod image;

pub use door::{Answer, Pending};

use crate::lab::{Running, program};
use door::Door;

/// How long a start may take: emulated, on a machine that does something else beside it.
const BOOT: Duration = Duration::from_secs(600);

/// A running machine; dropping it cuts its power.
#[derive(Debug)]
pub struct VirtualMachine {
    /// Declared first, so that it has ended before its folder is removed.
    _process: Running,
    door: Door,
    folder: tempfile::TempDir,
}

impl VirtualMachine {
    /// Starts one that sees the files in `shared` below `/host`, and waits until it takes scripts.
    ///
    /// # Errors
    /// What is missing, in words for a person.
    pub fn boot(shared: &Path) -> Result<Self, String> {
        Self::begin(shared, None)
    }

    /// The same on a disk of its own, made by [`own_disk`]: it keeps what was flushed to it when the power is cut.
    ///
    /// # Errors
    /// What is missing, in words for a person.
    pub fn boot_on(shared: &Path, disk: &Path) -> Result<Self, String> {
        Self::begin(shared, Some(disk))
    }

    fn begin(shared: &Path, disk: Option<&Path>) -> Result<Self, String> {
        let image = image::Image::get()?;
        let folder = tempfile::Builder::new().prefix("coord-machine-").tempdir().map_err(|error| error.to_string())?;
        let emulator = emulator::Emulator { image: &image, disk, shared, folder: folder.path() };
        let mut command = emulator.command();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let process = Running(process.map_err(|error| format!("cannot start qemu-system-x86_64: {error}"))?);
        let door = Door::open(&emulator.socket(), BOOT);
        let door = door.map_err(|error| format!("{error}\n{}", console(folder.path())))?;
        Ok(Self { _process: process, door, folder })
    }

    /// What a script of bash answers.
    ///
    /// # Panics
    /// When the machine does not answer within five minutes.
    #[must_use]
    pub fn run(&self, script: &str) -> Answer {
        self.start(script).wait(Duration::from_secs(300)).unwrap_or_else(|| {
            panic!("the machine did not answer to: {script}\n{}", self.console());
        })
    }

    /// What a script of bash prints, which must end well.
    ///
    /// # Panics
    /// When it does not.
    pub fn told(&self, script: &str) -> String {
        let answer = self.run(script);
        assert_eq!(answer.code, 0, "{script}\n{}{}\n{}", answer.output, answer.error, self.console());
        answer.output
    }

    /// Starts a script and does not wait for its end.
    #[must_use]
    pub fn start(&self, script: &str) -> Pending {
        self.door.start(script)
    }

    /// The end of what the kernel and systemd said.
    #[must_use]
    pub fn console(&self) -> String {
        console(self.folder.path())
    }
}

/// The last lines of a console.
fn console(folder: &Path) -> String {
    let bytes = fs::read(folder.join(emulator::CONSOLE)).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Puts our programs into `folder`, without what only a debugger needs.
///
/// # Errors
/// Which could not be made smaller, and why.
pub fn put_programs(folder: &Path) -> Result<(), String> {
    for name in ["coord-agent", "coord-helper", "coordinator", "coordctl"] {
        let place = folder.join(name);
        let stripped = Command::new("strip").arg("-o").arg(&place).arg(program(name)).status();
        if !stripped.is_ok_and(|status| status.success()) {
            return Err(format!("cannot strip {name}; apt-get install binutils"));
        }
    }
    Ok(())
}

/// Makes a disk in `folder` that outlives the machines that run on it.
///
/// # Errors
/// Why there is none, in words for a person.
pub fn own_disk(folder: &Path) -> Result<PathBuf, String> {
    let disk = folder.join("disk");
    let mut command = Command::new("cp");
    let copied = command.arg("--sparse=always").arg(image::Image::get()?.disk()).arg(&disk).status();
    if copied.is_ok_and(|status| status.success()) { Ok(disk) } else { Err("cannot copy the disk".to_owned()) }
}

/// A folder for what is kept between runs.
fn cache() -> Result<PathBuf, String> {
    let home = std::env::var_os("HOME").ok_or("HOME is not set")?;
    Ok(Path::new(&home).join(".cache/coord"))
}
