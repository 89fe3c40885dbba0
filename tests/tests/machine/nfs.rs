//! A real NFS server in the kernel, stopped while it is in use.

use std::time::{Duration, Instant};

use coord_model::{NodeDetail, section::MountState};

use crate::{
    house::{House, MOUNTS, mounts},
    say,
};

/// From the first reading that meets it.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// `systemctl restart` with a child that hangs.
const RESTARTED_WITHIN: Duration = Duration::from_secs(15);

/// Whether both mounts are in such a state.
fn both(detail: &NodeDetail, good: impl Fn(MountState) -> bool) -> bool {
    let rows = mounts(detail);
    rows.len() == MOUNTS.len() && rows.iter().all(|row| row.state.as_ref().is_some_and(|state| good(*state)))
}

/// What a dead server may be called.
fn down(state: MountState) -> bool {
    matches!(state, MountState::ServiceDown | MountState::Stuck)
}

/// Versions 4.2 and 3: well, told while the server is stopped, and well again without anybody asking.
pub(crate) fn a_stopped_server_is_told_and_its_return_too(house: &House) {
    let sessions = house.sessions();
    house.wait("both mounts to be well", |detail| both(detail, |state| state == MountState::Ok));
    let usual = house.refresh();
    house.machine.told("echo 0 >/proc/fs/nfsd/threads");
    let took = house.refresh();
    let detail = house.wait("both mounts to be told", |detail| both(detail, down));
    say(&format!("  told after {took:.1?}; a reading of a well machine takes {usual:.1?}"));
    assert!(took < TOLD_WITHIN + usual, "told after {took:?}, usually {usual:?}");
    for row in mounts(&detail) {
        assert!(row.detail.as_ref().is_some_and(|text| !text.is_empty()), "{row:?}");
        assert!(row.available_bytes.is_none() && row.unknown.contains_key("availableBytes"), "{row:?}");
    }
    house.machine.told("echo 8 >/proc/fs/nfsd/threads");
    let back = Instant::now();
    house.wait("both mounts to be well again", |detail| both(detail, |state| state == MountState::Ok));
    say(&format!("  well again {:.0?} after the server", back.elapsed()));
    assert_eq!(house.sessions(), sessions, "sessions and misses: the agent was away");
}

/// A child that waits for the server does not keep the unit from stopping.
pub(crate) fn a_restart_with_a_hung_mount_is_short(house: &House) {
    let (sessions, missed) = house.sessions();
    house.machine.told("echo 0 >/proc/fs/nfsd/threads");
    let asking = house.machine.start("coordctl check --node machine");
    let text =
        house.machine.told("start=$(date +%s%N); systemctl restart coord-agent; echo $(($(date +%s%N) - start))");
    let took = Duration::from_nanos(text.trim().parse().unwrap());
    house.machine.told("echo 8 >/proc/fs/nfsd/threads");
    say(&format!("  restarted in {took:.1?}"));
    assert!(took < RESTARTED_WITHIN, "the restart took {took:?}");
    house.wait("both mounts to be well again", |detail| both(detail, |state| state == MountState::Ok));
    // Its answer is that the session ended, or that of the next one.
    drop(asking);
    assert_eq!(house.sessions(), (sessions + 1, missed));
}
