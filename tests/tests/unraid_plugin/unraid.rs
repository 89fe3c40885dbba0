//! A host like Unraid in small: no systemd, a root in memory that is new at each boot, a boot stick that stays, the
//! package tools of Slackware as they are documented, and processes of its own.
//!
//! Its programs are those of this Debian, below a layer in memory. What it cannot show: FAT on
//! the stick, emhttpd, Unraid's own versions.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use coord_tests::lab::{program, wait_for};
use nix::unistd::geteuid;

use super::plugin::Plugin;

/// Makes the mounts below $ROOT, then becomes the first process of the host: a shell that collects orphans.
const BEGIN: &str = r#"set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -t tmpfs memory "$ROOT/.memory"
mkdir "$ROOT/.memory/upper" "$ROOT/.memory/work"
mount -t overlay usr -o "lowerdir=/usr,upperdir=$ROOT/.memory/upper,workdir=$ROOT/.memory/work" "$ROOT/usr"
mount --bind "$ROOT/.local" "$ROOT/usr/local"
mount --bind "$STICK" "$ROOT/boot"
mount --bind /sys "$ROOT/sys"
mount -o remount,bind,ro "$ROOT/sys"
mount -t proc proc "$ROOT/proc"
for node in null zero random urandom full; do touch "$ROOT/dev/$node"; mount --bind "/dev/$node" "$ROOT/dev/$node"; done
exec chroot "$ROOT" /bin/bash -c 'cd /; echo up >/run/up; sleep infinity & wait'
"#;

const UPGRADEPKG: &str = r#"#!/bin/sh
# What is documented of upgradepkg --install-new: unpack over the root, run doinst.sh there, write down what there is.
for package; do :; done
name=$(basename "$package" .txz)
cd / || exit
mkdir -p var/log/packages
removepkg coord-agent >/dev/null
tar -xpf "$package" || exit
tar -tf "$package" >"var/log/packages/$name"
sh install/doinst.sh
sed -n 's|^( cd \(.*\) ; ln -sf [^ ]* \(.*\) )$|./\1/\2|p' install/doinst.sh >>"var/log/packages/$name"
rm -rf install
"#;

const REMOVEPKG: &str = r#"#!/bin/sh
# Removes what the list of the package names, and folders that are empty then.
cd / || exit
for list in var/log/packages/"$1"-[0-9]*; do
  [ -e "$list" ] || continue
  sort -r "$list" | while read -r path; do
    case $path in ./ | ./install*) ;; */) rmdir "$path" 2>/dev/null ;; *) rm -f "$path" ;; esac
  done
  rm -f "$list"
done
"#;

/// One boot of it.
#[derive(Debug)]
pub(crate) struct Unraid {
    shell: Child,
    /// Its first process, as this machine numbers it.
    leader: u32,
    root: PathBuf,
    stick: PathBuf,
    /// Declared last: what is in it is used until then.
    _folder: tempfile::TempDir,
}

impl Unraid {
    /// Boots with the stick `stick`. What emhttpd writes down of the machine is not there yet.
    pub(crate) fn boot(stick: &Path) -> Result<Self, String> {
        if !geteuid().is_root() {
            return Err("needs root for a root file system of its own".to_owned());
        }
        let folder = tempfile::Builder::new().prefix("coord-unraid-").tempdir().unwrap();
        let root = folder.path().join("root");
        lay_out(&root);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "bash", "-c", BEGIN]);
        command.env("ROOT", &root).env("STICK", stick).env_remove("TMPDIR");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let shell = command.spawn().map_err(|error| format!("needs unshare: {error}"))?;
        let mut unraid = Self { shell, leader: 0, root, stick: stick.to_owned(), _folder: folder };
        let up = wait_for("the host to be up or to fail", || {
            let ended = unraid.shell.try_wait().unwrap().is_some();
            (ended || unraid.root.join("run/up").exists()).then_some(!ended)
        });
        if !up {
            return Err("needs the right to mount".to_owned());
        }
        let children = format!("/proc/{0}/task/{0}/children", unraid.shell.id());
        unraid.leader = fs::read_to_string(children).unwrap().trim().parse().unwrap();
        Ok(unraid)
    }

    /// A command inside it, as root.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.leader.to_string(), "-m", "-p", "--root", "--wd", "--"]).args(words);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a script prints, with what it complains of.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = self.output(&["sh", "-c", &format!("exec 2>&1; {script}")]);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Where a path inside it lies on this machine.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        match path.strip_prefix("/boot/") {
            Some(rest) => self.stick.join(rest),
            None => Path::new(&format!("/proc/{}/root", self.leader)).join(path.trim_start_matches('/')),
        }
    }

    /// emhttpd has started: the machine is known by the GUID of its stick.
    pub(crate) fn known(&self, state: &str) {
        fs::create_dir_all(self.place("/var/local/emhttp")).unwrap();
        let text = format!("flashGUID=\"0781-5571-0000-000000000001\"\nmdState=\"{state}\"\n");
        fs::write(self.place("/var/local/emhttp/var.ini"), text).unwrap();
    }

    /// Installs as the page of plugins does: the definition is kept on the stick and linked.
    pub(crate) fn install(&self, definition: &Path) -> Result<String, String> {
        if let Some(manager) = self.real_manager() {
            return self.managed(&manager, "install", definition);
        }
        let said = Plugin::read(definition).perform("install", self)?;
        let kept = self.stick.join("config/plugins/coord-agent.plg");
        if definition != kept {
            fs::copy(definition, &kept).unwrap();
        }
        let _ = symlink("/boot/config/plugins/coord-agent.plg", self.place("/var/log/plugins/coord-agent.plg"));
        Ok(said)
    }

    pub(crate) fn remove(&self) -> Result<String, String> {
        let kept = self.stick.join("config/plugins/coord-agent.plg");
        if let Some(manager) = self.real_manager() {
            return self.managed(&manager, "remove", Path::new("coord-agent.plg"));
        }
        let said = Plugin::read(&kept).perform("remove", self)?;
        fs::create_dir_all(self.stick.join("config/plugins-removed")).unwrap();
        fs::rename(kept, self.stick.join("config/plugins-removed/coord-agent.plg")).unwrap();
        fs::remove_file(self.place("/var/log/plugins/coord-agent.plg")).unwrap();
        Ok(said)
    }

    /// Unraid's own manager, from a checkout of its web interface, where one is given.
    fn real_manager(&self) -> Option<String> {
        let checkout = PathBuf::from(std::env::var_os("COORD_TEST_UNRAID_WEBGUI")?);
        let manager = "/usr/local/emhttp/plugins/dynamix.plugin.manager/scripts/plugin";
        if !self.place(manager).exists() {
            let target = self.place("/usr/local/emhttp");
            let copied = Command::new("cp").arg("-aT").arg(checkout.join("emhttp")).arg(&target).status().unwrap();
            assert!(copied.success());
            let _ = symlink("plugins/dynamix", target.join("webGui"));
        }
        Some(manager.to_owned())
    }

    fn managed(&self, manager: &str, method: &str, what: &Path) -> Result<String, String> {
        let own = Path::new("/tmp/coord-agent.plg");
        let what = if method == "install" {
            fs::copy(what, self.place("/tmp/coord-agent.plg")).map(|_| own).unwrap()
        } else {
            what
        };
        // Programs of PHP that it starts need the same setting.
        fs::create_dir_all(self.place("/etc/php/unraid")).unwrap();
        fs::write(self.place("/etc/php/unraid/unraid.ini"), "short_open_tag=On\n").unwrap();
        let mut command = self.command(&["php", manager, method, what.to_str().unwrap()]);
        let output = command.env("PHP_INI_SCAN_DIR", ":/etc/php/unraid").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    /// Processes of it that run one of our programs, as `NUMBER NAME`; those that have ended are none.
    pub(crate) fn ours(&self) -> Vec<String> {
        let listed = self.sh("for p in /proc/[0-9]*; do echo \"${p#/proc/} $(readlink $p/exe)\"; done");
        listed.lines().filter(|line| line.contains("/coord-")).map(str::to_owned).collect()
    }

    /// The number of the process that `/run/coord-agent/NAME.pid` names, while it runs.
    pub(crate) fn process(&self, name: &str) -> Option<String> {
        let number = fs::read_to_string(self.place(&format!("/run/coord-agent/{name}.pid"))).ok()?.trim().to_owned();
        self.ours().iter().any(|own| own.starts_with(&format!("{number} "))).then_some(number)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place("/var/log/coord-agent.log")).unwrap_or_default()
    }
}

impl Drop for Unraid {
    fn drop(&mut self) {
        // As a power cut would: its first process and with it all others.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
        let gone = || (!Path::new(&format!("/proc/{}", self.leader)).exists()).then_some(());
        if self.leader > 0 {
            wait_for("the host to be off", gone);
        }
    }
}

/// The root file system before anything is installed.
fn lay_out(root: &Path) {
    let folders = "usr boot sys proc dev etc/rc.d etc/logrotate.d run tmp root mnt/disk1 var/log/plugins var/lib .local/sbin .memory";
    for folder in folders.split(' ') {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for link in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{link}"), root.join(link)).unwrap();
    }
    for kept in ["pam.d", "php", "alternatives", "ld.so.cache", "login.defs", "security"] {
        let copied = Command::new("cp").arg("-a").arg(Path::new("/etc").join(kept)).arg(root.join("etc")).status();
        assert!(copied.is_ok_and(|status| status.success()), "{kept}");
    }
    let files = [
        ("etc/passwd", "root:x:0:0::/root:/bin/bash\nnobody:x:99:100::/:/bin/false\n"),
        ("etc/group", "root:x:0:\nusers:x:100:\n"),
        ("etc/shadow", "root:*:1::::::\nnobody:*:1::::::\n"),
        ("etc/gshadow", "root:*::\n"),
        ("etc/unraid-version", "version=\"7.2.0\"\n"),
        ("etc/hostname", "tower\n"),
    ];
    for (path, text) in files {
        fs::write(root.join(path), text).unwrap();
    }
    for (name, script) in
        [("upgradepkg", UPGRADEPKG), ("removepkg", REMOVEPKG), ("logger", "#!/bin/sh\ncat >>/var/log/syslog\n")]
    {
        put_program(&root.join(".local/sbin").join(name), script.as_bytes());
    }
}

/// Writes a program.
pub(crate) fn put_program(path: &Path, content: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The agent's programs as a package would hold them, without what only a debugger reads.
pub(crate) fn programs(folder: &Path) {
    for name in ["coord-agent", "coord-helper"] {
        let stripped = Command::new("strip").arg("-o").arg(folder.join(name)).arg(program(name)).status();
        if !stripped.is_ok_and(|status| status.success()) {
            fs::copy(program(name), folder.join(name)).unwrap();
        }
    }
}
