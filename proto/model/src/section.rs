//! The sections of a report, a file a subject.

mod agent;
mod disk;
mod docker;
mod gpu;
mod k3s;
mod mounts;
mod network;
mod platform;
mod system;
mod unraid;
mod usb;

pub use agent::{Agent, AgentReading, EventSource, EventSourceReading, HelperState};
pub use disk::{BlockDevice, BlockDeviceReading, Disk, DiskReading, Filesystem, FilesystemReading};
pub use docker::{Docker, DockerContainer, DockerContainerReading, DockerReading};
pub use gpu::{
    CodecSource, Codecs, CodecsReading, Gpu, GpuAccess, GpuAccessReading, GpuDevice, GpuDeviceReading, GpuReading,
    GpuReason,
};
pub use k3s::{
    Certificate, CertificateReading, Etcd, EtcdReading, K3s, K3sReading, K3sRole, Snapshot, SnapshotReading, UnitState,
};
pub use mounts::{Export, ExportReading, Mount, MountReading, MountState, Mounts, MountsReading};
pub use network::{Interface, InterfaceReading, Network, NetworkReading};
pub use platform::{Guest, GuestReading, Layer, LayerReading, Platform, PlatformKind, PlatformReading};
pub use system::{
    Power, PowerReading, Pressure, PressureReading, System, SystemReading, Temperature, TemperatureReading,
};
pub use unraid::{Parity, ParityReading, Share, ShareReading, Unraid, UnraidDisk, UnraidDiskReading, UnraidReading};
pub use usb::{SerialDevice, SerialDeviceReading, Usb, UsbReading};
