//! A program whose wall clock is wrong: a small library before the C library's own clock calls.
//!
//! Loaded into one program with LD_PRELOAD it moves CLOCK_REALTIME by the seconds that a file holds, which may change
//! while the program runs, and says that the kernel's clock is not synchronised, whatever this machine's kernel says.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::lab::{Lab, hosts};

/// Seconds of a day.
pub const DAY: i64 = 24 * 3600;
/// Seconds of ten years.
pub const TEN_YEARS: i64 = 3653 * DAY;

/// A clock that can be set.
#[derive(Clone, Debug)]
pub struct WrongClock {
    shim: PathBuf,
    offset: PathBuf,
}

impl WrongClock {
    /// A clock of this lab that is right for now.
    ///
    /// # Panics
    /// When the C compiler, which the linker of every Rust program needs too, does not make the library.
    #[must_use]
    pub fn new(lab: &Lab, name: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clock/clock.c");
        let shim = lab.path(&format!("{name}.so"));
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        let made = compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&shim).arg(source).status();
        assert!(made.unwrap().success(), "the C compiler refuses tests/clock/clock.c");
        let clock = Self { shim, offset: lab.path(&format!("{name}.offset")) };
        clock.set(0);
        clock
    }

    /// Moves it to so many seconds beside the right time, at once.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set(&self, seconds: i64) {
        let new = self.offset.with_extension("new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, &self.offset).unwrap();
    }

    /// Moves it to one minute after the start of 1970.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set_1970(&self) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        self.set(60 - i64::try_from(now.as_secs()).unwrap());
    }

    /// Makes a program live by it.
    pub fn rules(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.shim).env("COORD_TEST_CLOCK", &self.offset);
    }
}

/// A copy of a recorded host whose kernel says that its clock is not synchronised: there the agent renews earlier after
/// a start, since it cannot know how old its certificate is.
///
/// # Panics
/// When the copy cannot be made.
#[must_use]
pub fn unsynchronised(lab: &Lab, host: &str) -> PathBuf {
    let folder = lab.path(&format!("{host}-unsynchronised"));
    fs::create_dir(&folder).unwrap();
    symlink(hosts().join(host).join("root"), folder.join("root")).unwrap();
    let text = fs::read_to_string(hosts().join(host).join("answers.json")).unwrap();
    let mut answers: serde_json::Value = serde_json::from_str(&text).unwrap();
    answers["clock"]["synchronised"] = false.into();
    fs::write(folder.join("answers.json"), answers.to_string()).unwrap();
    folder
}
