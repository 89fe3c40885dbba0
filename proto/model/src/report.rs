//! One node's observed facts: a section a subject, each either facts or a failure, with source and age.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{section, words::words};

/// Why a whole section could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub reason: crate::ValueState,
    /// One sentence, no final period; names the file or call.
    pub message: String,
}

/// Facts about one subject with where they came from and how old they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Section<T> {
    /// Where the facts were read, for instance `/proc/self/mountinfo`.
    pub source: String,
    /// Seconds since they were read.
    pub age_seconds: f64,
    /// How many rows were left out to keep the section below 32 KiB.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated: u32,
    /// What was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<T>,
    /// Why nothing could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl<T> Section<T> {
    /// A section that was read just now.
    pub fn read(source: impl Into<String>, facts: T) -> Self {
        Self { source: source.into(), age_seconds: 0.0, truncated: 0, facts: Some(facts), failure: None }
    }

    /// A section that could not be read just now.
    pub fn failed(source: impl Into<String>, failure: Failure) -> Self {
        Self { source: source.into(), age_seconds: 0.0, truncated: 0, facts: None, failure: Some(failure) }
    }
}

/// Declares the sections once: their numbers, their names, their places in a report.
macro_rules! sections {
    ($($(#[$doc:meta])* $field:ident: $variant:ident($type:ty) = $number:literal => $text:literal,)+) => {
        words! {
            /// The subject of a section.
            pub enum SectionKind { $($(#[$doc])* $variant = $number => $text,)+ }
        }

        /// All that is known about one machine.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Report {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<Section<$type>>,)+
        }

        /// One section of any subject.
        #[allow(clippy::large_enum_variant, reason = "a report holds eleven of them, read once and moved a few times")]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum AnySection {
            $($(#[$doc])* $variant(Section<$type>),)+
        }

        impl AnySection {
            /// Its subject.
            #[must_use]
            pub fn kind(&self) -> SectionKind {
                match self { $(Self::$variant(_) => SectionKind::$variant,)+ }
            }

            /// Seconds since it was read.
            pub fn age_seconds_mut(&mut self) -> &mut f64 {
                match self { $(Self::$variant(section) => &mut section.age_seconds,)+ }
            }

            /// How many rows were left out.
            #[must_use]
            pub fn truncated(&self) -> u32 {
                match self { $(Self::$variant(section) => section.truncated,)+ }
            }

            /// The number of rows that were left out.
            pub fn truncated_mut(&mut self) -> &mut u32 {
                match self { $(Self::$variant(section) => &mut section.truncated,)+ }
            }

            /// Why it could not be read, if so.
            #[must_use]
            pub fn failure(&self) -> Option<&Failure> {
                match self { $(Self::$variant(section) => section.failure.as_ref(),)+ }
            }

            /// A section of this subject that failed.
            #[must_use]
            pub fn failed(kind: SectionKind, source: String, failure: Failure) -> Option<Self> {
                match kind {
                    $(SectionKind::$variant => Some(Self::$variant(Section::failed(source, failure))),)+
                    SectionKind::Unrecognised(_) => None,
                }
            }

            /// The same without ages, counters and figures that move by themselves.
            #[must_use]
            pub fn settled(&self) -> Self {
                match self {
                    $(Self::$variant(section) => Self::$variant(Section {
                        source: section.source.clone(),
                        age_seconds: 0.0,
                        truncated: section.truncated,
                        facts: section.facts.as_ref().map(crate::Settled::settled),
                        failure: section.failure.clone(),
                    }),)+
                }
            }
        }

        impl Report {
            /// Puts a section in its place, over an older one.
            pub fn put(&mut self, section: AnySection) {
                match section { $(AnySection::$variant(section) => self.$field = Some(section),)+ }
            }

            /// A copy of one section.
            #[must_use]
            pub fn get(&self, kind: SectionKind) -> Option<AnySection> {
                match kind {
                    $(SectionKind::$variant => self.$field.clone().map(AnySection::$variant),)+
                    SectionKind::Unrecognised(_) => None,
                }
            }

            /// Copies of all sections that are there, in the order of their numbers.
            pub fn sections(&self) -> impl Iterator<Item = AnySection> + '_ {
                SectionKind::ALL.iter().filter_map(|kind| self.get(*kind))
            }
        }
    };
}

sections! {
    /// The agent itself.
    agent: Agent(section::Agent) = 1 => "agent",
    /// What kind of machine this is.
    platform: Platform(section::Platform) = 2 => "platform",
    /// Processor, memory, clock, power.
    system: System(section::System) = 3 => "system",
    /// Graphics processors.
    gpu: Gpu(section::Gpu) = 4 => "gpu",
    /// Local disks and file systems.
    disk: Disk(section::Disk) = 5 => "disk",
    /// Network and user-space file systems.
    mounts: Mounts(section::Mounts) = 6 => "mounts",
    /// Kubernetes on this machine.
    k3s: K3s(section::K3s) = 7 => "k3s",
    /// The Docker engine.
    docker: Docker(section::Docker) = 8 => "docker",
    /// Interfaces and addresses.
    network: Network(section::Network) = 9 => "network",
    /// Serial devices on USB.
    usb: Usb(section::Usb) = 10 => "usb",
    /// Unraid's own state.
    unraid: Unraid(section::Unraid) = 11 => "unraid",
}
