//! This machine's own files and system calls. Everything here may wait for a device, so it runs in the child only.

use std::{
    fs,
    io::{self, Read},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag},
    sys::{stat, statvfs},
    unistd::{self, AccessFlags},
};

use super::{
    Access, Kernel, Node, Space, User,
    error::{unknown, unknown_io},
    unix_socket,
};

/// The largest ordinary file that a probe reads.
const LARGEST: u64 = 1 << 20;
/// mountinfo and mountstats of a machine with very many mounts.
const LARGEST_MOUNTS: u64 = 16 << 20;
/// The most names of one folder.
const MOST_NAMES: usize = 65_536;

/// How many bytes of `path` may be read.
pub(super) fn largest(path: &str) -> u64 {
    if path.ends_with("/mountinfo") || path.ends_with("/mountstats") { LARGEST_MOUNTS } else { LARGEST }
}

/// All of `file`, unless it is larger than its limit.
pub(super) fn read_all(path: &str, file: fs::File) -> Reading<Vec<u8>> {
    let limit = largest(path);
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unknown_io(path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(Unknown::error(format!("{path} is larger than {limit} bytes")))
    }
}

/// The file at `path`.
pub(super) fn read(path: &str) -> Reading<Vec<u8>> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    read_all(path, file.map_err(|error| unknown_io(path, &error))?)
}

/// Sorted names of an open folder.
pub(super) fn names(path: &str, folder: io::Result<fs::ReadDir>) -> Reading<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.map_err(|error| unknown_io(path, &error))?.take(MOST_NAMES) {
        let entry = entry.map_err(|error| unknown_io(path, &error))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The names in the folder at `path`.
pub(super) fn list(path: &str) -> Reading<Vec<String>> {
    names(path, fs::read_dir(path))
}

/// A path from the kernel as text.
pub(super) fn path_text(path: &Path) -> Reading<String> {
    match std::str::from_utf8(path.as_os_str().as_bytes()) {
        Ok(text) => Ok(text.to_string()),
        Err(_) => Err(Unknown::error(format!("not UTF-8: {}", path.display()))),
    }
}

/// What the link at `path` says.
pub(super) fn link(path: &str) -> Reading<String> {
    path_text(&fs::read_link(path).map_err(|error| unknown_io(path, &error))?)
}

/// `path` with its links resolved.
pub(super) fn real(path: &str) -> Reading<String> {
    path_text(&fs::canonicalize(path).map_err(|error| unknown_io(path, &error))?)
}

/// Whether something is at `path`.
pub(super) fn exists(path: &str) -> bool {
    fs::metadata(path).is_ok()
}

/// statvfs(3).
pub(super) fn space(path: &str) -> Reading<Space> {
    let began = Instant::now();
    let answer = statvfs::statvfs(path).map_err(|errno| unknown(path, errno))?;
    let block = answer.fragment_size();
    Ok(Space {
        size_bytes: block.saturating_mul(answer.blocks()),
        free_bytes: block.saturating_mul(answer.blocks_free()),
        available_bytes: block.saturating_mul(answer.blocks_available()),
        inodes: answer.files(),
        inodes_free: answer.files_free(),
        read_only: answer.flags().contains(statvfs::FsFlags::ST_RDONLY),
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// stat(2).
pub(super) fn node(path: &str) -> Reading<Node> {
    let data = fs::metadata(path).map_err(|error| unknown_io(path, &error))?;
    let age = data.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
    Ok(Node {
        kind: kind(data.file_type()).to_string(),
        mode: data.mode() & 0o7777,
        user: data.uid(),
        group: data.gid(),
        major: u32::try_from(stat::major(data.rdev())).unwrap_or(u32::MAX),
        minor: u32::try_from(stat::minor(data.rdev())).unwrap_or(u32::MAX),
        size: data.size(),
        age_seconds: age.as_secs_f64(),
    })
}

fn kind(kind: fs::FileType) -> &'static str {
    match () {
        () if kind.is_char_device() => "char",
        () if kind.is_block_device() => "block",
        () if kind.is_dir() => "dir",
        () if kind.is_socket() => "socket",
        () if kind.is_fifo() => "fifo",
        () => "file",
    }
}

/// faccessat(2) with the effective ids: asks the device cgroup, never the driver.
pub(super) fn access(path: &str) -> Reading<Access> {
    let wanted = AccessFlags::R_OK | AccessFlags::W_OK;
    let errno = unistd::faccessat(AT_FDCWD, path, wanted, AtFlags::AT_EACCESS).err();
    Ok(Access { errno: errno.map(|errno| format!("{errno:?}")) })
}

/// The effective user. Its name comes from /etc/passwd, since a name service may wait for a network.
pub(super) fn user() -> Reading<User> {
    let id = unistd::geteuid().as_raw();
    let mut groups: Vec<u32> = unistd::getgroups().unwrap_or_default().into_iter().map(unistd::Gid::as_raw).collect();
    groups.push(unistd::getegid().as_raw());
    groups.sort_unstable();
    groups.dedup();
    let accounts = read("/etc/passwd").unwrap_or_default();
    Ok(User { id, name: account(&String::from_utf8_lossy(&accounts), id), groups })
}

/// The name with number `id` in the text of passwd(5), else the number itself.
fn account(passwd: &str, id: u32) -> String {
    let number = id.to_string();
    let found = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(number.as_str())).then(|| name.to_string())
    });
    found.unwrap_or(number)
}

/// uname(2).
pub(super) fn kernel() -> Reading<Kernel> {
    let answer = nix::sys::utsname::uname().map_err(|errno| unknown("uname", errno))?;
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    Ok(Kernel { release: text(answer.release()), machine: text(answer.machine()), host_name: text(answer.nodename()) })
}

/// The wall clock.
pub(super) fn wall() -> Reading<f64> {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    now.map(|since| since.as_secs_f64()).map_err(|_| Unknown::error("the wall clock stands before 1970"))
}

/// Seconds on the boot clock.
pub(super) fn boot_seconds() -> Reading<f64> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map_err(|errno| unknown("clock", errno))?;
    Ok(Duration::from(now).as_secs_f64())
}

/// Whether something listens on the Unix socket at `path`.
pub(super) fn connects(path: &str) -> Reading<bool> {
    match unix_socket::connect(Path::new(path)) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(Errno::ECONNREFUSED as i32) => Ok(false),
        Err(error) => Err(unix_socket::full(Path::new(path), &error).unwrap_or_else(|| unknown_io(path, &error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_absent_and_names_its_path() {
        let reason = read("/nonexistent/file").unwrap_err();
        assert_eq!(reason, Unknown::absent("/nonexistent/file is not there"));
    }

    #[test]
    fn a_file_above_its_limit_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
        let reason = read(path.to_str().unwrap()).unwrap_err();
        assert_eq!(reason.state, coord_model::ValueState::Error);
        fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(read(path.to_str().unwrap()).unwrap().len(), 1 << 20);
    }

    #[test]
    fn an_account_is_found_by_its_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\ncoord:x:995:995::/:/bin/false\nbroken\n";
        assert_eq!(account(passwd, 995), "coord");
        assert_eq!(account(passwd, 7), "7");
        assert_eq!(account("", 7), "7");
    }

    #[test]
    fn a_closed_socket_is_not_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(connects(path.to_str().unwrap()), Ok(true));
        drop(listener);
        assert_eq!(connects(path.to_str().unwrap()), Ok(false));
        let full = folder.path().join("full");
        let _crowd = unix_socket::tests::crowded(&full);
        assert_eq!(connects(full.to_str().unwrap()).unwrap_err().state, coord_model::ValueState::Timeout);
    }
}
