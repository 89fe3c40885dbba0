//! How QEMU is called: with the processor's help where that works, else emulated.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::image::Image;

/// The file that holds what the console said.
pub(super) const CONSOLE: &str = "console.log";
/// How long a kernel may take to find that it has no disk; one that hangs takes longer.
const TRIAL: Duration = Duration::from_secs(15);

/// What one machine is made of.
#[derive(Debug)]
pub(super) struct Emulator<'a> {
    pub(super) image: &'a Image,
    /// Its disk; without one, that of the image, which forgets.
    pub(super) disk: Option<&'a Path>,
    /// What it sees below /host.
    pub(super) shared: &'a Path,
    /// Where its socket and its console lie.
    pub(super) folder: &'a Path,
}

impl Emulator<'_> {
    /// The host's end of the door.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("door.sock")
    }

    /// The command that starts it. It ends with the thread that starts it, whatever becomes of that.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
        command.args(accelerator(self.image));
        command.args(["-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-nic", "none", "-no-reboot"]);
        command.arg("-kernel").arg(self.image.kernel()).arg("-initrd").arg(self.image.initrd());
        command.args(["-append", "root=/dev/vda rw console=ttyS0 systemd.show_status=no panic=-1"]);
        command.arg("-serial").arg(format!("file:{}", self.folder.join(CONSOLE).display()));
        let (disk, forgets) = match self.disk {
            Some(disk) => (disk.to_owned(), "off"),
            None => (self.image.disk(), "on"),
        };
        command.arg("-drive").arg(format!("file={},format=raw,if=virtio,snapshot={forgets}", disk.display()));
        command.arg("-chardev").arg(format!("socket,id=door,path={},server=on,wait=off", self.socket().display()));
        command.args(["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=door,name=laboratory"]);
        let share = format!("local,path={},mount_tag=host,security_model=none,readonly=on", self.shared.display());
        command.arg("-virtfs").arg(share);
        command
    }
}

/// KVM is there on some machines and hangs: it must run a kernel to its end first.
fn accelerator(image: &Image) -> [&'static str; 4] {
    if kvm_works(image) { ["-accel", "kvm", "-cpu", "host"] } else { ["-accel", "tcg,thread=multi", "-cpu", "max"] }
}

/// Whether a kernel without a disk gives up in time under KVM.
fn kvm_works(image: &Image) -> bool {
    if OpenOptions::new().read(true).write(true).open("/dev/kvm").is_err() {
        return false;
    }
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot"]);
    command.arg("-kernel").arg(image.kernel()).args(["-append", "panic=-1"]);
    let trial = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    trial.is_ok_and(|child| ends_well(child, TRIAL))
}

fn ends_well(mut child: Child, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Ok(Some(status)) = child.try_wait() {
            return status.success();
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    // It may end between the two.
    let _ = child.kill();
    let _ = child.wait();
    false
}
