//! How busy the video engines were between two readings of fdinfo (Documentation/gpu/drm-usage-stats.rst).

use std::collections::BTreeMap;

use coord_model::{Reading, Unknown, ValueState};

use crate::host::{DrmClient, DrmTwice, Host};

/// Nanoseconds of each engine and how many such engines there are.
type Engines = BTreeMap<String, (u64, u32)>;

/// One device as fdinfo may name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Its PCI address.
    pub(super) address: String,
    /// `226:128` and `226:0`, where it has such nodes.
    pub(super) numbers: Vec<String>,
}

impl Names {
    /// Whether a client belongs to the device.
    pub(super) fn fit(&self, client: &DrmClient) -> bool {
        client.device == self.address || self.numbers.contains(&client.device)
    }
}

/// Busy percent of the busiest kind of video engine, 0 to 100.
pub(super) fn percent(
    host: &Host,
    names: &Names,
    folder: &str,
    contained: bool,
    twice: &Reading<DrmTwice>,
) -> Reading<f64> {
    let counted = match twice {
        Ok(twice) => by_clients(names, twice),
        Err(unknown) => Err(unknown.clone()),
    };
    // AMD's drivers know the whole device, whoever uses it.
    let whole = || host.text(&format!("{folder}/vcn_busy_percent")).ok()?.parse::<f64>().ok();
    match counted {
        Ok(Some(percent)) => Ok(percent),
        Ok(None) => match whole() {
            Some(percent) => Ok(percent.clamp(0.0, 100.0)),
            None if contained => Err(Unknown::not_applicable(
                "nobody in this container uses it; only the host sees the others: look there",
            )),
            None => Ok(0.0),
        },
        Err(unknown) => whole().map(|percent| percent.clamp(0.0, 100.0)).ok_or(unknown),
    }
}

/// From the counters of all clients; `None` where the device has no client.
fn by_clients(names: &Names, twice: &DrmTwice) -> Reading<Option<f64>> {
    let (before, after) = (merged(names, &twice.before), merged(names, &twice.after));
    if after.is_empty() {
        return Ok(None);
    }
    if after.values().all(BTreeMap::is_empty) {
        return Err(Unknown::absent("the driver does not count the time of its engines"));
    }
    let nanoseconds = twice.seconds * 1e9;
    if !nanoseconds.is_finite() || nanoseconds < 1.0 {
        return Err(Unknown::error("no time passed between two readings"));
    }
    let mut sums: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    for (client, engines) in &after {
        for (engine, (later, capacity)) in engines.iter().filter(|(engine, _)| is_video(engine)) {
            // A client that is new has done all of its work in between; a counter may go backwards for a moment.
            let earlier = before.get(client).and_then(|engines| engines.get(engine)).map_or(0, |(time, _)| *time);
            let sum = sums.entry(engine).or_insert((0, 1));
            sum.0 = sum.0.saturating_add(later.saturating_sub(earlier));
            sum.1 = sum.1.max(*capacity);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a percentage has few digits")]
    let share = |(time, capacity): &(u64, u32)| *time as f64 / (nanoseconds * f64::from((*capacity).max(1))) * 100.0;
    Ok(Some(sums.values().map(share).fold(0.0, f64::max).clamp(0.0, 100.0)))
}

/// Engines that decode or encode: i915 `video`, xe `vcs`, amdgpu `dec`, `enc`, `enc_1`. Those that only scale
/// (`video-enhance`, `vecs`) are left out.
fn is_video(engine: &str) -> bool {
    matches!(engine, "video" | "vcs") || engine.starts_with("dec") || engine.starts_with("enc")
}

/// Clients of one device by id, each once however many processes hold it.
fn merged(names: &Names, clients: &[DrmClient]) -> BTreeMap<u64, Engines> {
    let mut merged: BTreeMap<u64, Engines> = BTreeMap::new();
    for client in clients.iter().filter(|client| names.fit(client)) {
        let engines = merged.entry(client.client).or_default();
        for (engine, time) in &client.engines {
            let capacity = client.capacity.get(engine).copied().unwrap_or(1);
            let seen = engines.entry(engine.clone()).or_insert((0, 1));
            *seen = (seen.0.max(*time), seen.1.max(capacity));
        }
    }
    merged
}

/// Why it was not measured.
pub(super) fn unmeasured(asleep: Option<&Unknown>) -> Unknown {
    match asleep {
        Some(unknown) if unknown.state == ValueState::Asleep => unknown.clone(),
        Some(_) | None => Unknown::not_applicable("only measured when asked for"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        Names { address: "0000:00:02.0".to_string(), numbers: vec!["226:128".to_string()] }
    }

    fn client(device: &str, client: u64, engine: &str, nanoseconds: u64) -> DrmClient {
        let engines = BTreeMap::from([(engine.to_string(), nanoseconds)]);
        DrmClient { device: device.to_string(), client, engines, ..DrmClient::default() }
    }

    fn counted(before: Vec<DrmClient>, after: Vec<DrmClient>) -> Option<f64> {
        by_clients(&names(), &DrmTwice { before, after, seconds: 0.5 }).unwrap()
    }

    #[test]
    fn a_client_counts_once_and_others_add_up() {
        let own = |time| client("0000:00:02.0", 7, "video", time);
        let second = |time| client("226:128", 8, "video", time);
        let before = vec![own(1_000_000_000), own(1_000_000_000), second(0)];
        let after = vec![own(1_100_000_000), own(1_100_000_000), second(50_000_000)];
        assert_eq!(counted(before, after), Some(30.0));
    }

    #[test]
    fn capacity_is_shared_and_other_engines_and_devices_do_not_count() {
        let mut two = client("0000:00:02.0", 7, "vcs", 250_000_000);
        two.capacity.insert("vcs".to_string(), 2);
        let others = vec![
            client("0000:03:00.0", 7, "vcs", 500_000_000),
            client("0000:00:02.0", 7, "render", 500_000_000),
            client("0000:00:02.0", 7, "video-enhance", 500_000_000),
        ];
        assert_eq!(counted(Vec::new(), [vec![two], others].concat()), Some(25.0));
    }

    #[test]
    fn counters_may_go_backwards_and_never_pass_a_hundred() {
        let at = |time| vec![client("0000:00:02.0", 1, "dec", time)];
        assert_eq!(counted(at(900), at(100)), Some(0.0));
        assert_eq!(counted(at(0), at(u64::MAX)), Some(100.0));
    }

    #[test]
    fn nobody_is_not_the_same_as_no_counters() {
        assert_eq!(counted(Vec::new(), Vec::new()), None);
        let silent = DrmClient { device: "226:128".to_string(), ..DrmClient::default() };
        let twice = DrmTwice { before: Vec::new(), after: vec![silent], seconds: 0.5 };
        assert_eq!(by_clients(&names(), &twice).unwrap_err().state, ValueState::Absent);
    }

    proptest! {
        #[test]
        fn a_percentage_is_one(times in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u32>()), 0..8), seconds in any::<f64>()) {
            let make = |pick: fn(&(u64, u64, u32)) -> u64| -> Vec<DrmClient> {
                times.iter().enumerate().map(|(number, row)| {
                    let mut client = client("226:128", number as u64 % 3, "video", pick(row));
                    client.capacity.insert("video".to_string(), row.2);
                    client
                }).collect()
            };
            let twice = DrmTwice { before: make(|row| row.0), after: make(|row| row.1), seconds };
            if let Ok(Some(percent)) = by_clients(&names(), &twice) {
                prop_assert!((0.0..=100.0).contains(&percent));
            }
        }
    }
}
