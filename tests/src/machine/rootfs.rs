//! The root file system of such machines: this machine's own Debian, small, made once and kept in the cache.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
};

use nix::fcntl::{Flock, FlockArg};

/// Changes when what is in it changes.
const VERSION: u32 = 1;
const PACKAGES: &str = "--include=systemd,systemd-sysv,dbus,iproute2,procps";

/// The folder, made now if it is not there.
///
/// # Errors
/// Why it cannot be made, in words for a skip.
pub fn rootfs() -> Result<PathBuf, String> {
    let home = std::env::var_os("HOME").ok_or("needs a home folder for the cache")?;
    let cache = PathBuf::from(home).join(".cache/coord");
    let text = |error: std::io::Error| format!("cannot keep a root file system in {}: {error}", cache.display());
    fs::create_dir_all(&cache).map_err(text)?;
    let lock = File::create(cache.join("rootfs.lock")).map_err(text)?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| text(errno.into()))?;
    let release = release()?;
    let root = cache.join(format!("rootfs-{VERSION}-{release}"));
    if !root.is_dir() {
        let unfinished = cache.join(format!("rootfs-{VERSION}-{release}.unfinished"));
        let _ = fs::remove_dir_all(&unfinished);
        make(&release, &unfinished)?;
        fs::rename(&unfinished, &root).map_err(text)?;
    }
    Ok(root)
}

/// `bookworm`.
fn release() -> Result<String, String> {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map(|name| name.trim_matches('"').to_owned()).ok_or_else(|| "needs a Debian with a codename".to_owned())
}

/// Where apt on this machine gets that release from: no address stands in the project.
fn mirror(release: &str) -> Result<String, String> {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Identifier: Packages"]);
    let output = apt.output().map_err(|error| format!("needs apt: {error}"))?;
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = format!("{release} main ");
    let found = rows.lines().find_map(|row| row.strip_prefix(&wanted).map(str::to_owned));
    found.ok_or_else(|| format!("apt knows no source of {release}"))
}

fn make(release: &str, folder: &PathBuf) -> Result<(), String> {
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", PACKAGES, release]).arg(folder).arg(mirror(release)?);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.output().map_err(|error| format!("needs mmdebstrap: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("mmdebstrap failed: {}", said.lines().last().unwrap_or_default()))
    }
}
