//! How busy the video engines were between two readings of fdinfo (Documentation/gpu/drm-usage-stats.rst).

use std::collections::BTreeMap;

use coord_model::{Reading, Unknown, ValueState};

use super::{people::People, subject::Subject};
use crate::host::{DrmClient, DrmTwice, Host};

/// Each counter, for instance nanoseconds of `video`, and how many such engines there are.
type Engines = BTreeMap<String, (u64, u32)>;
/// Those of each client, by its id.
type Clients = BTreeMap<u64, Engines>;

/// Begins a counter of cycles of one engine that a client used (xe); `total-cycles-ENGINE` are those that passed.
const CYCLES: &str = "cycles-";
const TOTAL: &str = "total-";

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

/// Drivers that write fdinfo for everybody who has a node open (Documentation/gpu/drm-usage-stats.rst): where nobody
/// has, nothing is busy.
const COUNTING: [&str; 4] = ["amdgpu", "i915", "v3d", "xe"];
/// Leaves out engines that a client never used.
const TERSE: &str = "amdgpu";

/// Busy percent of the busiest kind of video engine, 0 to 100.
pub(super) fn percent(host: &Host, subject: &Subject, people: &People, twice: &Reading<DrmTwice>) -> Reading<f64> {
    let driver = subject.driver.as_deref().unwrap_or_default();
    let counted = match twice {
        Ok(twice) => by_clients(&subject.names(), driver == TERSE, twice),
        Err(unknown) => Err(unknown.clone()),
    };
    // AMD's drivers know the whole device, whoever uses it.
    let folder = subject.own_folder();
    let whole = || {
        host.text(&format!("{folder}/vcn_busy_percent")).ok()?.parse().ok().filter(|percent: &f64| !percent.is_nan())
    };
    let whole = || whole().map(|percent| percent.clamp(0.0, 100.0));
    match counted {
        Ok(Some(percent)) => Ok(percent),
        Ok(None) => match whole() {
            Some(percent) => Ok(percent),
            None => without_clients(driver, people.hold(&subject.nodes())?, people.contained),
        },
        Err(unknown) => whole().ok_or(unknown),
    }
}

/// What it means that fdinfo names no client, where somebody holds the device (`held`) or nobody does.
fn without_clients(driver: &str, held: bool, contained: bool) -> Reading<f64> {
    if !COUNTING.contains(&driver) {
        let driver = if driver.is_empty() { "its driver" } else { driver };
        return Err(Unknown::absent(format!("{driver} does not count the time of its engines")));
    }
    if held {
        return Err(Unknown::absent("a program uses it, and this kernel's driver does not count what for"));
    }
    if contained {
        return Err(Unknown::not_applicable(
            "nobody in this container uses it; only the host sees the others: look there",
        ));
    }
    Ok(0.0)
}

/// From the counters of all clients; `None` where the device has no client. A `terse` driver leaves out zeros.
fn by_clients(names: &Names, terse: bool, twice: &DrmTwice) -> Reading<Option<f64>> {
    let (before, after) = (merged(names, &twice.before), merged(names, &twice.after));
    if after.is_empty() {
        return Ok(None);
    }
    let nanoseconds = twice.seconds * 1e9;
    if !nanoseconds.is_finite() || nanoseconds < 1.0 {
        return Err(Unknown::error("no time passed between two readings"));
    }
    let sums = sums(&before, &after);
    if sums.is_empty() && !terse {
        return Err(Unknown::absent("the driver does not count the time of its engines"));
    }
    let mut busiest: f64 = 0.0;
    for (counter, (used, capacity)) in sums {
        let all = if counter.starts_with(CYCLES) { cycles(&before, &after, counter)? } else { nanoseconds };
        #[expect(clippy::cast_precision_loss, reason = "a percentage has few digits")]
        let share = used as f64 / (all * f64::from(capacity.max(1))) * 100.0;
        busiest = busiest.max(share);
    }
    Ok(Some(busiest.clamp(0.0, 100.0)))
}

/// What all clients together used of each counter of a video engine in between, and how many such engines there are.
fn sums<'a>(before: &Clients, after: &'a Clients) -> BTreeMap<&'a str, (u64, u32)> {
    let mut sums: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    for (client, engines) in after {
        for (counter, (later, capacity)) in engines.iter().filter(|(counter, _)| is_video(counter)) {
            // A client that is new has done all of its work in between; a counter may go backwards for a moment.
            let earlier = before.get(client).and_then(|engines| engines.get(counter)).map_or(0, |(used, _)| *used);
            let sum = sums.entry(counter).or_insert((0, 1));
            sum.0 = sum.0.saturating_add(later.saturating_sub(earlier));
            sum.1 = sum.1.max(*capacity);
        }
    }
    sums
}

/// What an engine could have done in between, in its own cycles: the GPU has one clock, which every client shows.
fn cycles(before: &Clients, after: &Clients, counter: &str) -> Reading<f64> {
    let total = format!("{TOTAL}{counter}");
    let passed = after.iter().filter_map(|(client, engines)| {
        let (later, _) = engines.get(&total)?;
        let (earlier, _) = before.get(client)?.get(&total)?;
        later.checked_sub(*earlier)
    });
    let longest = passed.max().unwrap_or(0);
    if longest == 0 {
        return Err(Unknown::absent("the driver's clock of its engines was not seen twice"));
    }
    #[expect(clippy::cast_precision_loss, reason = "a percentage has few digits")]
    Ok(longest as f64)
}

/// Engines that decode or encode: i915 `video`, xe `vcs`, amdgpu `dec`, `enc`, `enc_1`. Those that only scale
/// (`video-enhance`, `vecs`) are left out.
fn is_video(counter: &str) -> bool {
    let engine = engine(counter);
    matches!(engine, "video" | "vcs") || engine.starts_with("dec") || engine.starts_with("enc")
}

/// The engine of a counter of time or of cycles.
fn engine(counter: &str) -> &str {
    counter.strip_prefix(CYCLES).unwrap_or(counter)
}

/// Clients of one device by id, each once however many processes hold it.
fn merged(names: &Names, clients: &[DrmClient]) -> Clients {
    let mut merged = Clients::new();
    for client in clients.iter().filter(|client| names.fit(client)) {
        let engines = merged.entry(client.client).or_default();
        for (counter, count) in &client.engines {
            let capacity = client.capacity.get(engine(counter)).copied().unwrap_or(1);
            let seen = engines.entry(counter.clone()).or_insert((0, 1));
            *seen = (seen.0.max(*count), seen.1.max(capacity));
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
        by_clients(&names(), false, &DrmTwice { before, after, seconds: 0.5 }).unwrap()
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
        assert_eq!(by_clients(&names(), false, &twice).unwrap_err().state, ValueState::Absent);
        assert_eq!(by_clients(&names(), true, &twice), Ok(Some(0.0)), "amdgpu leaves out zeros");
        let drawing = DrmTwice { before: Vec::new(), after: vec![client("226:128", 1, "render", 5)], seconds: 0.5 };
        assert_eq!(by_clients(&names(), false, &drawing).unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn only_a_driver_that_counts_and_a_device_that_nobody_holds_are_idle() {
        for driver in COUNTING {
            assert_eq!(without_clients(driver, false, false), Ok(0.0), "{driver}");
            assert_eq!(without_clients(driver, true, false).unwrap_err().state, ValueState::Absent, "{driver}");
            assert_eq!(without_clients(driver, true, true).unwrap_err().state, ValueState::Absent, "{driver}");
            assert_eq!(without_clients(driver, false, true).unwrap_err().state, ValueState::NotApplicable, "{driver}");
        }
        for driver in ["nvidia", "nouveau", ""] {
            assert_eq!(without_clients(driver, false, false).unwrap_err().state, ValueState::Absent, "{driver}");
        }
    }

    fn xe(number: u64, used: u64, total: u64) -> DrmClient {
        let mut client = client("0000:00:02.0", number, "cycles-vcs", used);
        client.engines.insert("total-cycles-vcs".to_string(), total);
        client.engines.insert("cycles-vecs".to_string(), total);
        client.capacity.insert("vcs".to_string(), 2);
        client
    }

    #[test]
    fn cycles_are_a_share_of_the_cycles_that_passed() {
        let before = vec![xe(1, 100, 10_000), xe(2, 0, 10_000)];
        // The third began in between: the clock of the others is its clock.
        let after = vec![xe(1, 500, 11_000), xe(2, 100, 11_000), xe(3, 100, 11_000)];
        assert_eq!(counted(before, after), Some(30.0));
        assert_eq!(counted(vec![xe(1, 100, 10_000)], vec![xe(1, 100, 11_000)]), Some(0.0));
    }

    #[test]
    fn cycles_without_a_clock_are_no_share() {
        for before in [Vec::new(), vec![xe(1, 0, 11_000)], vec![xe(1, 0, 12_000)], vec![xe(2, 0, 10_000)]] {
            let twice = DrmTwice { before, after: vec![xe(1, 500, 11_000)], seconds: 0.5 };
            assert_eq!(by_clients(&names(), false, &twice).unwrap_err().state, ValueState::Absent);
        }
    }

    proptest! {
        #[test]
        fn a_percentage_is_one(times in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u32>()), 0..8), seconds in any::<f64>()) {
            let make = |pick: fn(&(u64, u64, u32)) -> u64| -> Vec<DrmClient> {
                times.iter().enumerate().map(|(number, row)| {
                    let mut client = client("226:128", number as u64 % 3, "video", pick(row));
                    client.engines.insert("cycles-vcs".to_string(), pick(row));
                    client.engines.insert("total-cycles-vcs".to_string(), pick(row) / 2);
                    client.capacity.insert("video".to_string(), row.2);
                    client
                }).collect()
            };
            let twice = DrmTwice { before: make(|row| row.0), after: make(|row| row.1), seconds };
            if let Ok(Some(percent)) = by_clients(&names(), false, &twice) {
                prop_assert!((0.0..=100.0).contains(&percent));
            }
        }
    }
}
