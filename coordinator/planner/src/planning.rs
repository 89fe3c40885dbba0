//! The plan, phase by phase.

use coord_model::Moment;

use crate::{Desired, Observed, Plan};

/// Decides. Without anything desired nothing is done, and what Coord owns stays as it is.
#[must_use]
pub fn plan(_desired: Option<&Desired>, _observed: &Observed, _now: Moment) -> Plan {
    Plan::default()
}
