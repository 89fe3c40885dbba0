//! A clock at 1970, ten years ahead and back, a day off, and one that is only corrected.

use coord_model::Boot;
use proptest::prelude::*;

use super::*;

const NOW: Wall = Wall(EARLIEST.0 + 300 * DAY);
const DAY: i64 = 86_400_000;
const YEAR: i64 = 365 * DAY;

/// `wall` at `seconds` after the machine's start.
fn at(seconds: u64, wall: Wall) -> Moment {
    Moment { boot: Boot(Duration::from_secs(seconds)), wall }
}

fn later(wall: Wall, milliseconds: i64) -> Wall {
    Wall(wall.0 + milliseconds)
}

#[test]
fn a_clock_that_was_never_synchronised_but_runs_evenly_is_trusted() {
    let mut trust = ClockTrust::start(None, at(0, NOW), false);
    trust.observe(at(3600, later(NOW, 3_600_000)), false);
    assert!(trust.trusted());
    assert_eq!(trust.to_remember(), None);
}

#[test]
fn at_1970_nothing_is_trusted_until_synchronised() {
    let mut trust = ClockTrust::start(None, at(0, Wall(5000)), false);
    assert_eq!(trust.distrust(), Some(Distrust::Earlier { remembered: EARLIEST }));
    trust.observe(at(10, later(NOW, 10)), false);
    assert!(!trust.trusted(), "a step without synchronisation proves nothing");
    trust.observe(at(20, later(NOW, 20)), true);
    assert!(trust.trusted());
}

#[test]
fn a_kernel_that_calls_1970_synchronised_is_not_believed() {
    assert!(!ClockTrust::start(None, at(0, Wall(0)), true).trusted());
}

#[test]
fn a_start_before_a_remembered_time_is_not_trusted() {
    let day_before = ClockTrust::start(Some(NOW), at(0, later(NOW, -DAY)), false);
    assert_eq!(day_before.distrust(), Some(Distrust::Earlier { remembered: NOW }));
    assert!(ClockTrust::start(Some(NOW), at(0, later(NOW, DAY)), false).trusted());
    assert!(ClockTrust::start(Some(NOW), at(0, later(NOW, -60_000)), false).trusted(), "a minute is a correction");
}

#[test]
fn ten_years_ahead_and_back_are_both_seen() {
    let mut trust = ClockTrust::start(Some(NOW), at(0, NOW), false);
    trust.observe(at(10, later(NOW, 10 * YEAR)), false);
    assert!(matches!(trust.distrust(), Some(Distrust::JumpedForward(_))));
    trust.observe(at(20, later(NOW, 20_000)), false);
    assert!(!trust.trusted(), "back again is no proof either");
    trust.observe(at(30, later(NOW, 30_000)), true);
    assert!(trust.trusted());
    assert_eq!(trust.to_remember(), None, "the ten years were never remembered");
}

#[test]
fn a_day_back_is_a_jump() {
    let mut trust = ClockTrust::start(None, at(0, NOW), false);
    trust.observe(at(10, later(NOW, -DAY)), false);
    assert!(matches!(trust.distrust(), Some(Distrust::JumpedBack(_))));
}

#[test]
fn a_suspended_machine_did_not_jump() {
    let mut trust = ClockTrust::start(None, at(0, NOW), false);
    trust.observe(at(8 * 3600, later(NOW, 8 * 3_600_000)), false);
    assert!(trust.trusted());
}

#[test]
fn a_person_may_accept_a_clock_even_an_earlier_one() {
    let mut trust = ClockTrust::start(Some(later(NOW, YEAR)), at(0, NOW), false);
    assert!(!trust.trusted());
    trust.accept(at(1, NOW));
    assert!(trust.trusted());
    assert_eq!(trust.to_remember(), Some(NOW));
    trust.remembered(NOW);
    assert!(ClockTrust::start(Some(NOW), at(0, NOW), false).trusted());
}

#[test]
fn remembering_is_rare() {
    let mut trust = ClockTrust::start(Some(NOW), at(0, NOW), true);
    trust.observe(at(60, later(NOW, 60_000)), true);
    assert_eq!(trust.to_remember(), None);
    trust.observe(at(600, later(NOW, 600_000)), true);
    assert_eq!(trust.to_remember(), Some(later(NOW, 600_000)));
}

#[test]
fn distrust_reads_as_a_sentence() {
    assert_eq!(Distrust::JumpedForward(Duration::from_secs(7200)).to_string(), "the clock jumped forward by 2h");
}

proptest! {
    /// Whatever the clock does, once distrusted it stays so without synchronisation or a person.
    #[test]
    fn distrust_does_not_heal_by_itself(walls in prop::collection::vec(0..3 * YEAR, 1..40)) {
        let mut trust = ClockTrust::start(Some(NOW), at(0, NOW), false);
        let mut distrusted = false;
        for (index, offset) in walls.into_iter().enumerate() {
            trust.observe(at(10 * index as u64, later(EARLIEST, offset)), false);
            prop_assert!(!(distrusted && trust.trusted()));
            distrusted |= !trust.trusted();
        }
    }

    /// A trusted clock never says a time that is a jump earlier than a remembered one.
    #[test]
    fn a_trusted_clock_is_not_earlier(remembered in 0..3 * YEAR, wall in 0..3 * YEAR) {
        let remembered = later(EARLIEST, remembered);
        let trust = ClockTrust::start(Some(remembered), at(0, later(EARLIEST, wall)), false);
        prop_assert_eq!(trust.trusted(), later(EARLIEST, wall).until(remembered) < JUMP);
    }
}
