//! The facts that a rule may ask, with their names, kinds and meanings; `docs/CLUSTER-FILE.md` lists them from here.

use alloc::{format, string::String};

/// What kind of value a fact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Truth,
    /// A text.
    Text,
    /// A whole number: bytes, or a count.
    Number,
    /// Texts.
    List,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Text => "text",
            Self::Number => "a number",
            Self::List => "a list of texts",
        }
    }
}

macro_rules! facts {
    (node { $($(#[doc = $doc:literal])* $variant:ident => $name:literal, $kind:ident;)+ }
     disk { $($(#[doc = $disk_doc:literal])* $disk:ident => $field:literal, $disk_kind:ident;)+ }) => {
        /// One fact of a node's report.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Fact {
            $($(#[doc = $doc])* $variant,)+
            $($(#[doc = $disk_doc])* $disk(String),)+
        }

        impl Fact {
            /// The fact of that name; `disk` has its path.
            pub(super) fn find(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The fact of the file system that is mounted exactly at `path`.
            pub(super) fn find_disk(path: &str, field: &str) -> Option<Self> {
                match field {
                    $($field => Some(Self::$disk(path.into())),)+
                    _ => None,
                }
            }

            /// What kind of value it has.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)+
                    $(Self::$disk(_) => Kind::$disk_kind,)+
                }
            }

            /// As a rule writes it.
            #[must_use]
            pub fn name(&self) -> String {
                match self {
                    $(Self::$variant => $name.into(),)+
                    $(Self::$disk(path) => format!("disk({path:?}).{}", $field),)+
                }
            }

            /// Every fact: name, kind, meaning.
            pub const TABLE: &'static [(&'static str, Kind, &'static str)] = &[
                $(($name, Kind::$kind, concat!($($doc),*)),)+
                $((concat!("disk(\"PATH\").", $field), Kind::$disk_kind, concat!($($disk_doc),*)),)+
            ];
        }
    };
}

facts! {
    node {
    /// Programs of its group may use the render node, and such a GPU can transcode.
    GpuUsable => "gpu.usable", Truth;
    /// Kernel driver, for instance `i915`.
    GpuDriver => "gpu.driver", Text;
    /// PCI vendor in hexadecimal, for instance `8086`.
    GpuVendor => "gpu.vendor", Text;
    /// Vendor and model.
    GpuName => "gpu.name", Text;
    /// Codecs that it decodes, for instance `hevc`.
    GpuDecode => "gpu.decode", List;
    /// Codecs that it encodes.
    GpuEncode => "gpu.encode", List;
    /// Product text of any serial device on USB.
    UsbProduct => "usb.product", Text;
    /// What any serial device on USB probably is: `zigbee`, `z-wave`.
    UsbCandidate => "usb.candidate", Text;
    /// The innermost layer: `vm`, `lxc`, `container`, `bare-metal`, `raspberry-pi`, `proxmox-host`, `unraid-host`.
    PlatformKind => "platform.kind", Text;
    /// A Raspberry Pi.
    PlatformRaspberryPi => "platform.raspberryPi", Truth;
    /// The machine's own name: board or DMI product.
    PlatformProduct => "platform.product", Text;
    /// Which product runs the virtual machine or container.
    PlatformHypervisor => "platform.hypervisor", Text;
    /// As `uname -m` says.
    PlatformArchitecture => "platform.architecture", Text;
    /// Memory of the machine, or the limit of its container, in bytes.
    SystemMemoryTotal => "system.memory.total", Number;
    /// Logical processors that may be used.
    SystemProcessors => "system.processors", Number;
    }
    disk {
        /// The disk below the file system that is mounted exactly at PATH turns.
        DiskRotational => "rotational", Truth;
        /// Kind of that file system, for instance `ext4`.
        DiskKind => "kind", Text;
        /// Size of that file system in bytes.
        DiskSize => "size", Number;
    }
}

impl Fact {
    /// Whether it is a fact of one GPU.
    #[must_use]
    pub const fn about_gpu(&self) -> bool {
        match self {
            Self::GpuUsable | Self::GpuDriver | Self::GpuVendor | Self::GpuName | Self::GpuDecode | Self::GpuEncode => {
                true
            }
            Self::UsbProduct
            | Self::UsbCandidate
            | Self::PlatformKind
            | Self::PlatformRaspberryPi
            | Self::PlatformProduct
            | Self::PlatformHypervisor
            | Self::PlatformArchitecture
            | Self::SystemMemoryTotal
            | Self::SystemProcessors
            | Self::DiskRotational(_)
            | Self::DiskKind(_)
            | Self::DiskSize(_) => false,
        }
    }
}
