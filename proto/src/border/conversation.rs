//! The messages of a session.

use std::time::Duration;

use coord_model::{
    AgentMessage, Command, CommandAction, CoordinatorMessage, Expect, ExpectedMount, Hello, MachineEvidence, Outcome,
    Refusal, Welcome,
};

use super::{
    BadField, OnWire,
    fields::{Field, field},
    section::{section_from_wire, section_onto_wire},
};
use crate::wire;

/// A duration in whole milliseconds; longer than the range is the end of the range.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The most sections that one message may carry: each kind once, with room for kinds of the future.
const MAXIMUM_SECTIONS: usize = 64;

/// Structs whose fields have the same names on both sides.
macro_rules! plain {
    ($model:path => $message:path { $($name:ident),* $(,)? }) => {
        impl Field<$message> for $model {
            fn onto_wire(self) -> $message {
                $message { $($name: self.$name.onto_wire(),)* }
            }
            fn from_wire(wire: $message) -> Result<Self, BadField> {
                Ok(Self { $($name: field(stringify!($name), wire.$name)?,)* })
            }
        }
    };
}

pub(super) use plain;

plain!(ExpectedMount => wire::ExpectedMount { name, path, server, export, writable, sentinel, volume });
plain!(Expect => wire::Expect { mounts, containers, virtual_address });
plain!(Outcome => wire::Outcome { key, generation, result, message });

/// The most addresses and features that one machine may name: everything beyond would be kept for as long as its row.
const MAXIMUM_NAMES: usize = 256;

/// A list that is kept, so it must be short.
fn names(name: &str, wire: Vec<String>) -> Result<Vec<String>, BadField> {
    if wire.len() > MAXIMUM_NAMES {
        return Err(BadField::here(format!("has {} rows, {MAXIMUM_NAMES} are allowed", wire.len())).inside(name));
    }
    field(name, wire)
}

impl Field<wire::MachineEvidence> for MachineEvidence {
    fn onto_wire(self) -> wire::MachineEvidence {
        wire::MachineEvidence {
            machine_id: self.machine_id,
            dmi_uuid: self.dmi_uuid,
            macs: self.macs,
            host_name: self.host_name,
        }
    }

    fn from_wire(wire: wire::MachineEvidence) -> Result<Self, BadField> {
        Ok(Self {
            machine_id: field("machineId", wire.machine_id)?,
            dmi_uuid: field("dmiUuid", wire.dmi_uuid)?,
            macs: names("macs", wire.macs)?,
            host_name: field("hostName", wire.host_name)?,
        })
    }
}

impl Field<wire::Hello> for Hello {
    fn onto_wire(self) -> wire::Hello {
        wire::Hello {
            protocol: self.protocol,
            features: self.features,
            version: self.version,
            evidence: Some(self.evidence.onto_wire()),
            boot_id: self.boot_id,
            process_number: self.process_number,
            newest_generation: self.newest_generation,
            newest_epoch: self.newest_epoch,
        }
    }

    fn from_wire(wire: wire::Hello) -> Result<Self, BadField> {
        Ok(Self {
            protocol: wire.protocol,
            features: names("features", wire.features)?,
            version: field("version", wire.version)?,
            evidence: field("evidence", wire.evidence.unwrap_or_default())?,
            boot_id: field("bootId", wire.boot_id)?,
            process_number: wire.process_number,
            newest_generation: wire.newest_generation,
            newest_epoch: wire.newest_epoch,
        })
    }
}

impl Field<wire::Welcome> for Welcome {
    fn onto_wire(self) -> wire::Welcome {
        wire::Welcome {
            protocol: self.protocol,
            features: self.features,
            version: self.version,
            instance: self.instance,
            epoch: self.epoch,
            name: self.name,
            pending: self.pending,
            heartbeat_milliseconds: milliseconds(self.heartbeat),
            facts_milliseconds: milliseconds(self.facts),
            reconnect_cap_milliseconds: milliseconds(self.reconnect_cap),
            coordinators: self.coordinators,
        }
    }

    fn from_wire(wire: wire::Welcome) -> Result<Self, BadField> {
        Ok(Self {
            protocol: wire.protocol,
            features: field("features", wire.features)?,
            version: field("version", wire.version)?,
            instance: field("instance", wire.instance)?,
            epoch: wire.epoch,
            name: field("name", wire.name)?,
            pending: wire.pending,
            heartbeat: Duration::from_millis(wire.heartbeat_milliseconds),
            facts: Duration::from_millis(wire.facts_milliseconds),
            reconnect_cap: Duration::from_millis(wire.reconnect_cap_milliseconds),
            coordinators: field("coordinators", wire.coordinators)?,
        })
    }
}

impl Field<wire::Command> for Command {
    fn onto_wire(self) -> wire::Command {
        let action = match self.action {
            CommandAction::Refresh { sections, measures } => Some(wire::command::Action::Refresh(wire::Refresh {
                sections: sections.onto_wire(),
                measures: measures.onto_wire(),
            })),
            CommandAction::Unrecognised(_) => None,
        };
        wire::Command {
            key: self.key,
            generation: self.generation,
            epoch: self.epoch,
            deadline_milliseconds: milliseconds(self.deadline),
            action,
        }
    }

    fn from_wire(wire: wire::Command) -> Result<Self, BadField> {
        let action = match wire.action {
            Some(wire::command::Action::Refresh(refresh)) => CommandAction::Refresh {
                sections: field("sections", refresh.sections)?,
                measures: field("measures", refresh.measures)?,
            },
            None => CommandAction::Unrecognised(0),
        };
        Ok(Self {
            key: field("key", wire.key)?,
            generation: wire.generation,
            epoch: wire.epoch,
            deadline: Duration::from_millis(wire.deadline_milliseconds),
            action,
        })
    }
}

impl Field<wire::Refusal> for Refusal {
    fn onto_wire(self) -> wire::Refusal {
        wire::Refusal { section: self.section.onto_wire(), field: self.field, message: self.message }
    }

    fn from_wire(wire: wire::Refusal) -> Result<Self, BadField> {
        Ok(Self {
            section: field("section", wire.section)?,
            field: field("field", wire.field)?,
            message: field("message", wire.message)?,
        })
    }
}

/// Sections decoded one by one: what is bad or unknown is set aside.
fn sections_from_wire(wire: wire::Sections) -> Result<AgentMessage, BadField> {
    if wire.sections.len() > MAXIMUM_SECTIONS {
        return Err(BadField::here(format!("has {} rows, {MAXIMUM_SECTIONS} are allowed", wire.sections.len())));
    }
    let (mut sections, mut refused, mut unknown) = (Vec::new(), Vec::new(), 0);
    for section in wire.sections {
        match section_from_wire(section) {
            Some(Ok(section)) => sections.push(section),
            Some(Err(refusal)) => refused.push(refusal),
            None => unknown += 1,
        }
    }
    Ok(AgentMessage::Sections { sequence: wire.sequence, whole: wire.whole, sections, refused, unknown })
}

impl OnWire for AgentMessage {
    type Message = wire::AgentMessage;

    fn into_message(self) -> wire::AgentMessage {
        use wire::agent_message::Message;
        let message = match self {
            Self::Hello(hello) => Some(Message::Hello(hello.onto_wire())),
            Self::Sections { sequence, whole, sections, .. } => {
                let sections = sections.into_iter().map(section_onto_wire).collect();
                Some(Message::Sections(wire::Sections { sequence, whole, sections }))
            }
            Self::Heartbeat { number } => Some(Message::Heartbeat(wire::Heartbeat { number })),
            Self::Outcome(outcome) => Some(Message::Outcome(outcome.onto_wire())),
            Self::Unrecognised => None,
        };
        wire::AgentMessage { message }
    }

    fn from_message(message: wire::AgentMessage) -> Result<Self, BadField> {
        use wire::agent_message::Message;
        Ok(match message.message {
            Some(Message::Hello(hello)) => Self::Hello(field("hello", hello)?),
            Some(Message::Sections(sections)) => sections_from_wire(sections).map_err(|bad| bad.inside("sections"))?,
            Some(Message::Heartbeat(heartbeat)) => Self::Heartbeat { number: heartbeat.number },
            Some(Message::Outcome(outcome)) => Self::Outcome(field("outcome", outcome)?),
            None => Self::Unrecognised,
        })
    }
}

impl OnWire for CoordinatorMessage {
    type Message = wire::CoordinatorMessage;

    fn into_message(self) -> wire::CoordinatorMessage {
        use wire::coordinator_message::Message;
        let message = match self {
            Self::Welcome(welcome) => Some(Message::Welcome(welcome.onto_wire())),
            Self::Expect(expect) => Some(Message::Expect(expect.onto_wire())),
            Self::Command(command) => Some(Message::Command(command.onto_wire())),
            Self::HeartbeatHeard { number } => Some(Message::HeartbeatHeard(wire::Heartbeat { number })),
            Self::SectionsHeard { sequence } => Some(Message::SectionsHeard(wire::SectionsHeard { sequence })),
            Self::SectionRefused(refusal) => Some(Message::SectionRefused(refusal.onto_wire())),
            Self::OutcomeHeard { key } => Some(Message::OutcomeHeard(wire::OutcomeHeard { key })),
            Self::End { reason, message } => Some(Message::End(wire::End { reason: reason.onto_wire(), message })),
            Self::Unrecognised => None,
        };
        wire::CoordinatorMessage { message }
    }

    fn from_message(message: wire::CoordinatorMessage) -> Result<Self, BadField> {
        use wire::coordinator_message::Message;
        Ok(match message.message {
            Some(Message::Welcome(welcome)) => Self::Welcome(field("welcome", welcome)?),
            Some(Message::Expect(expect)) => Self::Expect(field("expect", expect)?),
            Some(Message::Command(command)) => Self::Command(field("command", command)?),
            Some(Message::HeartbeatHeard(heartbeat)) => Self::HeartbeatHeard { number: heartbeat.number },
            Some(Message::SectionsHeard(heard)) => Self::SectionsHeard { sequence: heard.sequence },
            Some(Message::SectionRefused(refusal)) => Self::SectionRefused(field("refusal", refusal)?),
            Some(Message::OutcomeHeard(heard)) => Self::OutcomeHeard { key: field("key", heard.key)? },
            Some(Message::End(end)) => {
                Self::End { reason: field("reason", end.reason)?, message: field("message", end.message)? }
            }
            None => Self::Unrecognised,
        })
    }
}
