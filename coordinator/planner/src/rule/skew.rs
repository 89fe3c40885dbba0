//! Two versions that speak differently.

use alloc::format;

use coord_model::{Code, PROTOCOL, Problem};

use crate::NodeObserved;

/// `protocol-skew`.
pub(crate) fn protocol(node: &NodeObserved) -> Option<Problem> {
    let spoken = node.protocol.filter(|spoken| *spoken != PROTOCOL)?;
    let (older, hint) =
        if spoken < PROTOCOL { ("older", "upgrade its agent") } else { ("newer", "upgrade the coordinator") };
    let message = format!("its agent speaks the {older} protocol {spoken}, the coordinator {PROTOCOL}");
    Some(Problem::new(Code::ProtocolSkew, &node.name, message).hint(hint))
}
