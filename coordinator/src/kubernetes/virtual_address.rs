//! Who holds the virtual address of the control plane: kube-vip's own Lease, where there is one.

use std::time::Duration;

use coord_planner::VirtualAddressHolder;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::{
    connect::{Connection, READ},
    failure::{Kind, Right},
    state::Shared,
};

/// How often it is looked at. One read of one object needs no right but for that object, as a watch would.
const LOOK: Duration = Duration::from_secs(15);
/// The Lease of kube-vip's control-plane mode, in `kube-system`. Source: kube-vip, `vip_leasename`.
const NAME: &str = "plndr-cp-lock";

const GET: Right = Right { group: "coordination.k8s.io", resource: "leases", verb: "get" };

/// Looks for ever.
pub(super) async fn run(shared: &Shared, connection: &Connection) {
    let leases: Api<Lease> = Api::namespaced(connection.client.clone(), "kube-system");
    loop {
        match connection.ask(READ, GET, leases.get_opt(NAME)).await {
            Ok(lease) => note(shared, lease.and_then(holder)),
            // Without the right nothing is known; the rest works without it.
            Err(failure) if failure.kind == Kind::Denied => note(shared, None),
            Err(failure) => tracing::debug!(why = failure.why, "kube-vip's Lease was not read"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn note(shared: &Shared, now: Option<VirtualAddressHolder>) {
    let mut known = shared.known();
    if known.vip != now {
        known.vip = now;
        drop(known);
        shared.wake();
    }
}

fn holder(lease: Lease) -> Option<VirtualAddressHolder> {
    let spec = lease.spec?;
    let transitions = spec.lease_transitions.and_then(|times| u32::try_from(times).ok()).unwrap_or(0);
    Some(VirtualAddressHolder { holder: spec.holder_identity?, transitions })
}
