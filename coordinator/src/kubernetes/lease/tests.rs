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
        ("an earlier process of ours may be a copy that runs", vec![(5, record("me", "1", 1))], Step::Wait),
        ("until it has been silent", vec![(5, record("me", "1", 1)), (35, record("me", "1", 1))], Step::Take),
        ("another one is alive at first sight", vec![(5000, other(1))], Step::Wait),
        ("and until its duration is over", vec![(5, other(1)), (34, other(1))], Step::Wait),
        ("then it is dead", vec![(5, other(1)), (35, other(1))], Step::Take),
        ("a change is a sign of life", vec![(5, other(1)), (30, other(2)), (59, other(2))], Step::Wait),
        (
            "a copy that runs stays",
            vec![(5, record("me", "1", 1)), (30, record("me", "1", 2)), (59, record("me", "1", 2))],
            Step::Wait,
        ),
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
fn a_copied_data_folder_is_told_from_a_restart_by_what_it_does() {
    let said = |seen: &[Option<Record>]| {
        let mut elector = Elector::new("me", "2");
        seen.iter().for_each(|record| elector.saw(record.clone(), at(1)));
        elector.other()
    };
    let refused = |start: &str, lease| matches!(lease, WriteLease::Refused { why, .. } if why.starts_with(start));
    let mine = || record("me", "2", 1);
    let restart = "this coordinator's previous run may still hold the Lease; it runs out in 30 s at most";
    let copy = "another coordinator with the same identity holds the Lease";
    assert!(refused(restart, said(&[record("me", "1", 1)])));
    assert!(refused(restart, said(&[record("me", "1", 1), record("me", "1", 1)])), "a look that changes nothing");
    assert!(refused(copy, said(&[record("me", "1", 1), record("me", "1", 2)])), "it renews");
    assert!(refused(copy, said(&[record("me", "1", 1), record("me", "1", 2), record("me", "1", 2)])));
    assert!(refused(copy, said(&[mine(), record("me", "3", 2)])), "it took ours");
    let other = WriteLease::Other { holder: "other".into() };
    assert_eq!(said(&[record("me", "1", 1), record("me", "1", 2), record("other", "1", 3)]), other);
}
