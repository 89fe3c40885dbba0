//! A real LXC container with a folder as its file system: a few programs, and the sysfs of a recorded host.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use coord_tests::lab::{hosts, program};

/// Programs that the containers need: a first process, a shell for the stand-in of vainfo and what it calls, and one
/// that makes nodes.
const PROGRAMS: [(&str, &str); 4] =
    [("/bin/sleep", "bin/sleep"), ("/bin/dash", "bin/sh"), ("/usr/bin/id", "bin/id"), ("/usr/bin/mknod", "bin/mknod")];
/// The group `render` inside.
pub(crate) const RENDER: u32 = 104;
/// Where ids of an unprivileged container begin.
const SHIFT: u32 = 100_000;

/// How one container differs from another.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shape {
    /// Whether its device cgroup lets the render node through.
    pub(crate) allowed: bool,
    /// Whether its ids are mapped.
    pub(crate) unprivileged: bool,
    /// Whether /dev/dri is mounted nodev.
    pub(crate) nodev: bool,
}

/// A running container. It ends with this value.
pub(crate) struct Container {
    folder: tempfile::TempDir,
    name: String,
}

impl Container {
    /// Makes and starts it; the reason why that is not possible here, for a skip.
    pub(crate) fn start(name: &str, shape: Shape) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let container = Self { name: format!("coord-{}-{name}", std::process::id()), folder };
        container.fill(shape)?;
        container.configure(shape);
        let log = container.path("log");
        let mut command = container.lxc("lxc-start", &["-d", "-l", "INFO", "-o", log.to_str().unwrap()]);
        let config = container.path("config");
        let output = command.arg("-f").arg(config).output().map_err(|error| format!("lxc-start: {error}"))?;
        if !output.status.success() {
            let log = fs::read_to_string(log).unwrap_or_default();
            let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
            return Err(format!("no container starts here: {}", errors.join("; ")));
        }
        container.serve();
        if shape.nodev {
            let node = ["--clear-env", "--", "/bin/mknod", "-m", "660", "/dev/dri/renderD128", "c", "226", "128"];
            run(&mut container.lxc("lxc-attach", &node))?;
        }
        Ok(container)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The render node, as the host sees it.
    pub(crate) fn node(&self) -> PathBuf {
        self.path("dri/renderD128")
    }

    /// Files, folders, nodes and a sysfs with one GPU.
    fn fill(&self, shape: Shape) -> Result<(), String> {
        for name in ["bin", "usr/bin", "proc", "sys", "run", "etc", "dev/dri", "coord", "tmp", "root"] {
            fs::create_dir_all(self.path("root").join(name)).unwrap();
        }
        for name in ["socket", "dri"] {
            fs::create_dir(self.path(name)).unwrap();
        }
        fs::create_dir(self.path("root/socket")).unwrap();
        for (from, to) in PROGRAMS {
            fs::copy(from, self.path("root").join(to)).map_err(|error| format!("{from}: {error}"))?;
            self.libraries(Path::new(from));
        }
        for name in ["coord-agent", "coord-helper"] {
            // Copied: the folder of the build may be closed to the container's users.
            fs::copy(program(name), self.path("root/coord").join(name)).unwrap();
            self.libraries(&program(name));
        }
        fs::write(self.path("root/etc/group"), format!("root:x:0:\nrender:x:{RENDER}:\nnogroup:x:65534:\n")).unwrap();
        fs::write(self.path("root/etc/passwd"), "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n").unwrap();
        let sys = hosts().join("lxc-gpu/root/sys");
        run(Command::new("cp").arg("-a").arg(sys).arg(self.path("sys")))?;
        run(Command::new("mknod").arg(self.path("root/dev/null")).args(["-m", "666", "c", "1", "3"]))?;
        run(Command::new("mknod").arg(self.node()).args(["-m", "660", "c", "226", "128"]))?;
        run(Command::new("mknod").arg(self.path("dri/card7")).args(["-m", "660", "c", "1", "3"]))?;
        chown(self.node(), None, Some(RENDER)).unwrap();
        if shape.unprivileged {
            for name in ["root", "root/run", "root/dev"] {
                chown(self.path(name), Some(SHIFT), Some(SHIFT)).unwrap();
            }
        }
        Ok(())
    }

    /// Copies what `program` is linked with, where it is not there yet.
    fn libraries(&self, program: &Path) {
        let text = Command::new("ldd").arg(program).output().unwrap().stdout;
        for word in String::from_utf8(text).unwrap().split_whitespace().filter(|word| word.starts_with('/')) {
            let to = self.path("root").join(word.trim_start_matches('/'));
            if !to.exists() {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(word, to).unwrap();
            }
        }
    }

    fn configure(&self, shape: Shape) {
        let own = self.folder.path().display();
        let devices = if Path::new("/sys/fs/cgroup/devices").is_dir() { "lxc.cgroup" } else { "lxc.cgroup2" };
        let nodes = if shape.nodev {
            // lxc takes nodev for a file system of its own, not for a bind mount.
            "tmpfs dev/dri tmpfs nodev,mode=755".to_string()
        } else {
            format!("{own}/dri dev/dri none bind")
        };
        let mut text = format!(
            "lxc.rootfs.path = dir:{own}/root\nlxc.uts.name = box\nlxc.autodev = 0\nlxc.net.0.type = empty\n\
             lxc.mount.auto = proc:rw\nlxc.console.path = none\nlxc.init.cmd = /bin/sleep 600\n\
             lxc.mount.entry = {own}/sys sys none bind,ro\nlxc.mount.entry = {nodes}\n\
             lxc.mount.entry = {own}/socket socket none bind\n\
             {devices}.devices.deny = a\n{devices}.devices.allow = c 1:3 rwm\n"
        );
        if shape.allowed {
            text += &format!("{devices}.devices.allow = c 226:128 rwm\n");
        }
        if shape.unprivileged {
            text += &format!("lxc.idmap = u 0 {SHIFT} 65536\nlxc.idmap = g 0 {SHIFT} 65536\n");
        }
        fs::write(self.path("config"), text).unwrap();
    }

    fn lxc(&self, command: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(command);
        command.arg("-P").arg(self.folder.path()).args(["-n", &self.name]).args(arguments).stdin(Stdio::null());
        command
    }

    /// Answers each connection with a coord-helper inside, as a socket unit would.
    fn serve(&self) {
        let socket = self.path("socket/helper.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
        let (folder, name) = (self.folder.path().to_owned(), self.name.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut command = Command::new("lxc-attach");
                command.arg("-P").arg(&folder).args(["-n", &name, "--clear-env", "--", "/coord/coord-helper"]);
                command.stdin(std::os::fd::OwnedFd::from(stream)).stdout(Stdio::null()).stderr(Stdio::null());
                // Each ends with its reply.
                thread::spawn(move || command.status().map(drop));
            }
        });
    }

    /// One request to the helper inside, and its reply.
    pub(crate) fn ask(&self, request: &str) -> serde_json::Value {
        let mut stream = UnixStream::connect(self.path("socket/helper.sock")).unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        serde_json::from_str(&reply).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
    }

    /// What `coord-agent check` says inside.
    pub(crate) fn check(&self) -> serde_json::Value {
        let helper = ["-v", "COORD_AGENT_HELPER=/socket/helper.sock", "--clear-env", "--"];
        let mut command = self.lxc("lxc-attach", &helper);
        let output: Output = command.args(["/coord/coord-agent", "check", "-o", "json"]).output().unwrap();
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{errors}"))
    }

    /// Puts a program at `path` inside.
    pub(crate) fn script(&self, path: &str, text: &str) {
        let path = self.path("root").join(path.trim_start_matches('/'));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // One that never started is not there to be stopped.
        let _ = self.lxc("lxc-stop", &["-k"]).output();
    }
}

/// Runs a command that must succeed; what it said as the error.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(said()) }
}

/// Whether this machine can have containers at all; the reason where not.
pub(crate) fn possible() -> Result<(), String> {
    if !nix::unistd::Uid::effective().is_root() {
        return Err("needs root".to_string());
    }
    let found = Command::new("lxc-start").arg("--version").output();
    found.map(drop).map_err(|_| "lxc is not installed: apt-get install lxc".to_string())
}
