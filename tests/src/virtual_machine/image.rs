//! The disk of a virtual machine: a small Debian of this machine's release, made once and kept.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::cache;

/// Counts up when the recipe changes, so that an older image is not used.
const RECIPE: u32 = 1;
/// What is installed besides the essential.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,udev,kmod,linux-image-amd64,initramfs-tools,nfs-kernel-server,\
                        nfs-common,iproute2,procps,util-linux,e2fsprogs";
/// Units that would only take time.
const NOT_WANTED: [&str; 7] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "nfs-blkmap.service",
];
/// Files that the laboratory puts in, with their places.
const FILES: [(&str, &str); 3] = [
    ("etc/fstab", include_str!("files/fstab")),
    ("etc/systemd/system/laboratory-door.service", include_str!("files/laboratory-door.service")),
    ("usr/local/sbin/door.sh", include_str!("files/door.sh")),
];

/// A folder with a kernel, its first files and a disk.
#[derive(Debug)]
pub(super) struct Image(PathBuf);

impl Image {
    pub(super) fn kernel(&self) -> PathBuf {
        self.0.join("vmlinuz")
    }

    pub(super) fn initrd(&self) -> PathBuf {
        self.0.join("initrd")
    }

    pub(super) fn disk(&self) -> PathBuf {
        self.0.join("disk")
    }

    /// The one that is kept, or a new one.
    pub(super) fn get() -> Result<Self, String> {
        let release = release()?;
        let folder = cache()?.join(format!("machine-{release}-{RECIPE}"));
        if !folder.is_dir() {
            let parent = cache()?;
            let making = fs::create_dir_all(&parent).and_then(|()| tempfile::tempdir_in(&parent));
            let making = making.map_err(|error| format!("{}: {error}", parent.display()))?;
            make(&release, making.path())?;
            // Whoever was quicker made the same.
            if let Err(error) = fs::rename(making.keep(), &folder)
                && !folder.is_dir()
            {
                return Err(format!("{}: {error}", folder.display()));
            }
        }
        Ok(Self(folder))
    }
}

/// The release's code name, for instance `bookworm`.
fn release() -> Result<String, String> {
    let text = fs::read_to_string("/etc/os-release").map_err(|error| format!("/etc/os-release: {error}"))?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(|word| word.trim_matches('"'));
    match (value("ID="), value("VERSION_CODENAME=")) {
        (Some("debian"), Some(name)) => Ok(name.to_owned()),
        _ => Err("the virtual machine needs Debian here, since it runs the programs that are built here".to_owned()),
    }
}

/// Makes kernel, first files and disk in `folder`.
fn make(release: &str, folder: &Path) -> Result<(), String> {
    let root = folder.join("root");
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "--mode=root", "--aptopt=Acquire::Retries \"3\""]);
    command.arg(format!("--include={PACKAGES}")).arg(release).arg(&root).args(sources()?);
    run(command)?;
    for (link, name) in [("vmlinuz", "vmlinuz"), ("initrd.img", "initrd")] {
        // The links lead to places inside the root.
        let target = fs::read_link(root.join(link)).map_err(|error| format!("no kernel was installed: {error}"))?;
        let target = root.join(target.strip_prefix("/").unwrap_or(&target));
        fs::copy(target, folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    furnish(&root).map_err(|error| format!("cannot furnish the machine: {error}"))?;
    let mut command = Command::new("mke2fs");
    command.args(["-q", "-t", "ext4", "-F", "-L", "machine", "-d"]).arg(&root).arg(folder.join("disk")).arg("2500M");
    run(command)?;
    fs::remove_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))
}

/// The files of apt's sources that name a Debian archive, so that this machine's mirror is asked.
fn sources() -> Result<Vec<PathBuf>, String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let folder = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    files.extend(folder.map(|entry| entry.path()));
    files.retain(|file| {
        let known = file.extension().is_some_and(|end| end == "list" || end == "sources");
        known && fs::read_to_string(file).is_ok_and(|text| text.contains("/debian"))
    });
    files.sort();
    if files.is_empty() { Err("no source of apt names a Debian archive".to_owned()) } else { Ok(files) }
}

/// Puts the laboratory's own files in, and takes away what takes room and time.
fn furnish(root: &Path) -> std::io::Result<()> {
    for (place, text) in FILES {
        fs::write(root.join(place), text)?;
    }
    fs::create_dir(root.join("host"))?;
    fs::write(root.join("etc/hostname"), "machine\n")?;
    let units = root.join("etc/systemd/system");
    symlink(
        "/etc/systemd/system/laboratory-door.service",
        units.join("multi-user.target.wants/laboratory-door.service"),
    )?;
    for unit in NOT_WANTED {
        symlink("/dev/null", units.join(unit))?;
    }
    for heavy in ["usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists"] {
        fs::remove_dir_all(root.join(heavy))?;
    }
    Ok(())
}

fn run(mut command: Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run {name}: {error}; apt-get install {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = error.lines().rev().take(10).collect();
    Err(format!("{name} failed: {}", last.into_iter().rev().collect::<Vec<_>>().join("\n")))
}
