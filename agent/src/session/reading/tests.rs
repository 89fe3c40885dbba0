//! Rounds with a prober whose child is a script.

use coord_model::CommandAction;

use super::*;
use crate::prober::scripted;

fn command(key: &str, measures: &[Measure]) -> Command {
    let action = CommandAction::Refresh { sections: Vec::new(), measures: measures.to_vec() };
    Command { key: key.into(), generation: 1, epoch: 1, deadline: Duration::from_secs(60), action }
}

fn keys(round: &Round) -> Vec<&str> {
    round.commands.iter().map(|(command, _)| command.key.as_str()).collect()
}

#[tokio::test]
async fn what_was_read_ahead_is_the_first_report() {
    let (_folder, prober) = scripted("echo '\"end\"'");
    let mut readings = Readings::start(prober);
    readings.ahead();
    assert!(readings.everything().is_empty());
    let (sections, round) = readings.next().await;
    assert_eq!((sections.len(), round.worth), (SectionKind::ALL.len(), Worth::Everything));
    assert!(readings.wanted.kinds.is_empty(), "nothing is read twice");
}

#[tokio::test]
async fn what_was_read_long_ago_is_read_again() {
    let (_folder, prober) = scripted("echo '\"end\"'");
    let mut readings = Readings::start(prober);
    readings.ahead();
    readings.began = Instant::now().checked_sub(FRESH).unwrap();
    readings.everything();
    assert_eq!(readings.wanted.kinds.len(), SectionKind::ALL.len());
}

#[tokio::test]
async fn a_measurement_has_a_round_of_its_own() {
    // The child says what it was told to measure.
    let script = "if grep -q path-mtu; then exit 3; else exit 4; fi";
    let (_folder, prober) = scripted(script);
    let mut readings = Readings::start(prober);
    readings.ask(&[SectionKind::System], Worth::Settled);
    readings.command(command("plain", &[]), &[SectionKind::System], &[]).unwrap();
    let measures = [Measure::PathMtu];
    readings.command(command("measured", &measures), &[SectionKind::Network], &measures).unwrap();
    for (key, kind, code) in [("measured", SectionKind::Network, 3), ("plain", SectionKind::System, 4)] {
        let (sections, round) = readings.next().await;
        assert_eq!(keys(&round), [key]);
        assert_eq!(sections.iter().map(AnySection::kind).collect::<Vec<_>>(), [kind]);
        let message = &sections[0].failure().unwrap().message;
        assert_eq!(*message, format!("the probe ended with code {code}"));
    }
}

#[tokio::test]
async fn measurements_do_not_pile_up_and_end_with_their_session() {
    let (_folder, prober) = scripted("echo '\"end\"'");
    let mut readings = Readings::start(prober);
    let measures = [Measure::DiskLatency];
    for number in 0..MOST_MEASURED {
        assert!(readings.command(command(&number.to_string(), &measures), SectionKind::ALL, &measures).is_ok());
    }
    assert!(readings.command(command("more", &measures), SectionKind::ALL, &measures).is_err());
    assert_eq!(readings.everything().len(), MOST_MEASURED);
    assert!(readings.measured.is_empty());
}

#[tokio::test]
async fn what_is_expected_reaches_the_child_and_is_read_for() {
    let (_folder, prober) = scripted("if grep -q 192.0.2.9; then exit 3; else exit 4; fi");
    let mut readings = Readings::start(prober);
    readings.expect(Expect { virtual_address: "192.0.2.9".into(), ..Expect::default() });
    let (sections, _) = readings.next().await;
    let kinds: Vec<SectionKind> = sections.iter().map(AnySection::kind).collect();
    assert_eq!(kinds, [SectionKind::Mounts, SectionKind::Docker, SectionKind::Network]);
    assert_eq!(sections[0].failure().unwrap().message, "the probe ended with code 3");
}
