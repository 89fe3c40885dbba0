//! The table of what a coordinator does about a Lease.

use super::*;

fn at(seconds: u64) -> Boot {
    Boot(Duration::from_secs(seconds))
}

fn record(holder: &str, run: &str, version: u32) -> Option<Record> {
    let duration = Duration::from_secs(30);
    Some(Record { holder: holder.into(), run: run.into(), duration, version: version.to_string() })
}

/// What a coordinator `me` of run `2` does, that saw these Leases at these times, at the last time.
fn last_step(seen: &[(u64, Option<Record>)]) -> Step {
    let mut elector = Elector::new("me", "2");
    let mut last = Step::Wait;
    for (seconds, record) in seen {
        elector.saw(record.clone(), at(*seconds));
        last = elector.step(at(*seconds));
    }
    last
}

#[test]
fn the_table_of_steps() {
    let other = |version| record("other", "1", version);
    let table = [
        ("none is made", vec![(5, None)], Step::Create),
        ("a released one is taken", vec![(5, record("", "", 1))], Step::Take),
        ("ours is renewed", vec![(5, record("me", "2", 1))], Step::Renew),
        ("ours is renewed after any time", vec![(5, record("me", "2", 1)), (5000, record("me", "2", 1))], Step::Renew),
        ("an earlier process of ours is followed at once", vec![(5, record("me", "1", 1))], Step::Take),
        ("another one is alive at first sight", vec![(5000, other(1))], Step::Wait),
        ("and until its duration is over", vec![(5, other(1)), (34, other(1))], Step::Wait),
        ("then it is dead", vec![(5, other(1)), (35, other(1))], Step::Take),
        ("a change is a sign of life", vec![(5, other(1)), (30, other(2)), (59, other(2))], Step::Wait),
        ("a twin is not an earlier process", vec![(5, None), (6, record("me", "1", 1))], Step::Wait),
        ("a deleted one is made again", vec![(5, other(1)), (6, None)], Step::Create),
    ];
    for (words, seen, step) in table {
        assert_eq!(last_step(&seen), step, "{words}");
    }
}

#[test]
fn a_holder_without_a_duration_has_ours_and_an_absurd_one_ends() {
    let with = |duration| Some(Record { duration, ..record("other", "1", 1).unwrap_or_default() });
    let zero = with(Duration::ZERO);
    assert_eq!(last_step(&[(5, zero.clone()), (34, zero.clone())]), Step::Wait);
    assert_eq!(last_step(&[(5, zero.clone()), (35, zero)]), Step::Take);
    let endless = with(Duration::from_secs(u64::MAX));
    assert_eq!(last_step(&[(5, endless.clone()), (605, endless)]), Step::Take);
}

/// Nobody else can take the Lease while a write that began under it may still be carried out.
#[test]
fn a_write_ends_before_the_lease_can_be_taken() {
    assert!(HELD + super::super::connect::WRITE <= DURATION);
    assert!(RENEW + LOOK + LOOK < HELD, "one failed renewal is not yet a loss");
}

#[test]
fn a_copied_data_folder_is_told_from_a_restart() {
    let mut elector = Elector::new("me", "2");
    elector.saw(record("me", "2", 1), at(1));
    assert!(!elector.twin());
    elector.saw(record("me", "3", 2), at(2));
    assert!(elector.twin());
}
