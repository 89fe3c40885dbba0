//! The hardware watchdog: which it is, and whether it would restart a machine that hangs.

use coord_model::{Reading, Unknown, ValueState};

use crate::host::Host;

const FOLDER: &str = "/sys/class/watchdog/watchdog0";

/// `iTCO_wdt, inactive, 30 s` (Documentation/ABI/testing/sysfs-class-watchdog).
pub(super) fn watchdog(host: &Host) -> Reading<String> {
    if !host.exists(FOLDER) {
        return Err(Unknown::absent("there is no watchdog, or no driver for it"));
    }
    let file = |name: &str| host.text(&format!("{FOLDER}/{name}"));
    let identity = file("identity").map_err(|unknown| match unknown.state {
        ValueState::Absent => Unknown::absent("the kernel was built without CONFIG_WATCHDOG_SYSFS"),
        _ => unknown,
    })?;
    let timeout = file("timeout").ok().map(|seconds| format!("{seconds} s"));
    let for_ever = file("nowayout").is_ok_and(|value| value == "1").then(|| "cannot be stopped".to_string());
    let parts = [Some(identity), file("state").ok(), timeout, for_ever];
    Ok(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::empty;
    use crate::host::fixture::recorded;

    #[test]
    fn what_is_known_is_told() {
        let identity = ("sys/class/watchdog/watchdog0/identity", "Broadcom BCM2835 Watchdog timer\n");
        let state = ("sys/class/watchdog/watchdog0/state", "active\n");
        let timeout = ("sys/class/watchdog/watchdog0/timeout", "15\n");
        let nowayout = ("sys/class/watchdog/watchdog0/nowayout", "1\n");
        let all = watchdog(&recorded(&[identity, state, timeout, nowayout])).unwrap();
        assert_eq!(all, "Broadcom BCM2835 Watchdog timer, active, 15 s, cannot be stopped");
        assert_eq!(watchdog(&recorded(&[identity])).unwrap(), "Broadcom BCM2835 Watchdog timer");
        assert!(watchdog(&recorded(&[timeout])).unwrap_err().message.contains("CONFIG_WATCHDOG_SYSFS"));
        assert!(watchdog(&empty()).unwrap_err().message.contains("no watchdog"));
    }
}
