//! A user-space file system of a test: it answers just enough to be mounted, and everything else never.
//!
//! Spoken by hand on `/dev/fuse`, as the kernel's `include/uapi/linux/fuse.h` says, so that no library is needed. It is
//! mounted in a mount namespace of the calling thread; processes that this thread starts afterwards see it, nobody else.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, unshare},
};

const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const STATFS: u32 = 17;
const INIT: u32 = 26;
const BATCH_FORGET: u32 = 42;

/// Inode number of the one file; the folder is 1.
const FILE: u32 = 2;

const NO_ENTRY: i32 = -2;
const NOT_IMPLEMENTED: i32 = -38;

/// What its only inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A folder with one empty file, `there`, in which nothing can be made.
    Folder,
    /// A folder that takes the question how much space it has and never answers: who asked cannot be ended.
    StuckFolder,
    /// A folder whose server takes no question at all.
    DeafFolder,
    /// A file whose opening never ends.
    StuckFile,
}

impl Shape {
    fn mode(self) -> u32 {
        match self {
            Self::Folder | Self::StuckFolder | Self::DeafFolder => 0o040_700,
            Self::StuckFile => 0o100_444,
        }
    }
}

/// A mounted file system; dropping it ends every request with an error.
#[derive(Debug)]
pub struct Fuse {
    _mounted: Mounted,
    stop: Arc<AtomicBool>,
    well: Arc<AtomicBool>,
    taken: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// Gives the calling thread, and what it starts, a mount namespace of its own.
///
/// # Errors
/// Why not, in words for a skip.
pub fn own_namespace() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| format!("needs root for a mount namespace: {error}"))?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(|error| format!("cannot make mounts private: {error}"))
}

/// A mount that goes with this, so that its folder can be removed.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // Whoever still uses it goes on with what is detached.
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Puts an empty tmpfs of `size` over `place`, for the calling thread and what it starts.
///
/// # Errors
/// Why not, in words for a skip.
pub fn small_disk(place: &Path, size: &str) -> Result<Mounted, String> {
    let options = format!("size={size},mode=0700");
    mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
        .map_err(|error| format!("cannot mount a tmpfs: {error}"))?;
    Ok(Mounted(place.to_owned()))
}

impl Fuse {
    /// Mounts it over `place`, which is a folder or a file as `shape` says, in the calling thread's namespace.
    ///
    /// # Errors
    /// Why not, in words for a skip.
    pub fn over(place: &Path, shape: Shape) -> Result<Self, String> {
        let device = OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open("/dev/fuse");
        let device = device.map_err(|error| format!("cannot open /dev/fuse: {error}"))?;
        let options = format!("fd={},rootmode={:o},user_id=0,group_id=0,allow_other", device.as_raw_fd(), shape.mode());
        mount(Some("stuck"), place, Some("fuse"), MsFlags::MS_NODEV, Some(options.as_str()))
            .map_err(|error| format!("cannot mount a FUSE file system: {error}"))?;
        let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let well = Arc::new(AtomicBool::new(false));
        let (stopped, count, healed) = (Arc::clone(&stop), Arc::clone(&taken), Arc::clone(&well));
        let thread = std::thread::spawn(move || serve(device, shape, &stopped, &count, &healed));
        Ok(Self { _mounted: Mounted(place.to_owned()), stop, well, taken, thread: Some(thread) })
    }

    /// Answers everything from now on, what was taken before too.
    pub fn heal(&self) {
        self.well.store(true, Ordering::Relaxed);
    }

    /// How many requests were taken and never answered.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // When the last descriptor closes, the kernel ends the connection.
            let _ = thread.join();
        }
    }
}

fn serve(mut device: File, mut shape: Shape, stop: &AtomicBool, taken: &AtomicUsize, well: &AtomicBool) {
    let mut buffer = vec![0; 256 * 1024];
    let mut held: Vec<[u8; 8]> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if well.load(Ordering::Relaxed) {
            shape = Shape::Folder;
            for unique in held.drain(..) {
                let _ = device.write_all(&reply(unique, Ok(vec![0; 80])));
            }
        }
        if shape == Shape::DeafFolder {
            std::thread::park_timeout(Duration::from_millis(50));
            continue;
        }
        let soon = PollTimeout::try_from(Duration::from_millis(50)).unwrap();
        let _ = poll(&mut [PollFd::new(std::os::fd::AsFd::as_fd(&device), PollFlags::POLLIN)], soon);
        let Ok(length) = device.read(&mut buffer) else { continue };
        let request = &buffer[..length];
        let unique: [u8; 8] = request[8..16].try_into().unwrap();
        match answer(request, shape) {
            Answer::Now(answer) => {
                // A request that was given up meanwhile takes no answer.
                let _ = device.write_all(&reply(unique, answer));
            }
            Answer::Never => {
                taken.fetch_add(1, Ordering::Relaxed);
                held.push(unique);
            }
            Answer::Unwanted => {}
        }
    }
}

/// What becomes of one request.
enum Answer {
    Now(Result<Vec<u8>, i32>),
    Never,
    Unwanted,
}

fn answer(request: &[u8], shape: Shape) -> Answer {
    let word = |place: usize| u32::from_le_bytes(request[place..place + 4].try_into().unwrap());
    let file = word(16) == FILE;
    match word(4) {
        INIT => Answer::Now(Ok(init(word(48)))),
        GETATTR => Answer::Now(Ok(attributes(if file { 0o100_444 } else { shape.mode() }))),
        STATFS if shape != Shape::StuckFolder => Answer::Now(Ok(vec![0; 80])),
        LOOKUP if shape == Shape::Folder && request[40..].starts_with(b"there\0") => Answer::Now(Ok(entry())),
        LOOKUP => Answer::Now(Err(NO_ENTRY)),
        FORGET | BATCH_FORGET => Answer::Unwanted,
        OPEN | STATFS if shape != Shape::Folder => Answer::Never,
        _ => Answer::Now(Err(NOT_IMPLEMENTED)),
    }
}

/// `struct fuse_entry_out` of the one file.
fn entry() -> Vec<u8> {
    let mut out = vec![0; 40];
    out[0..8].copy_from_slice(&u64::from(FILE).to_le_bytes());
    out.extend_from_slice(&attributes(0o100_444)[16..]);
    out[40..48].copy_from_slice(&u64::from(FILE).to_le_bytes());
    out
}

/// `struct fuse_out_header` and what follows it.
fn reply(unique: [u8; 8], answer: Result<Vec<u8>, i32>) -> Vec<u8> {
    let (error, body) = match answer {
        Ok(body) => (0, body),
        Err(error) => (error, Vec::new()),
    };
    let length = u32::try_from(16 + body.len()).unwrap();
    [&length.to_le_bytes()[..], &error.to_le_bytes(), &unique, &body].concat()
}

/// `struct fuse_init_out` of protocol 7.31, with no features.
fn init(readahead: u32) -> Vec<u8> {
    let mut out = vec![0; 64];
    out[0..4].copy_from_slice(&7_u32.to_le_bytes());
    out[4..8].copy_from_slice(&31_u32.to_le_bytes());
    out[8..12].copy_from_slice(&readahead.to_le_bytes());
    out[20..24].copy_from_slice(&4096_u32.to_le_bytes());
    out[24..28].copy_from_slice(&1_u32.to_le_bytes());
    out
}

/// `struct fuse_attr_out`: one inode of this mode, owned by root, remembered for a second.
fn attributes(mode: u32) -> Vec<u8> {
    let mut out = vec![0; 104];
    out[0..8].copy_from_slice(&1_u64.to_le_bytes());
    out[16..24].copy_from_slice(&1_u64.to_le_bytes());
    out[76..80].copy_from_slice(&mode.to_le_bytes());
    out[80..84].copy_from_slice(&1_u32.to_le_bytes());
    out
}
