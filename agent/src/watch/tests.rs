//! What a source says of itself: closed, silent, or fine.

use std::io;

use coord_model::{
    Section,
    section::{Mount, Mounts},
};

use super::{source::Watched, *};
use crate::fingerprint::Fingerprint;

/// A source that tells what it is given, and closes at the end.
struct Fake(tokio::sync::mpsc::UnboundedReceiver<()>);

impl Watched for Fake {
    const NAME: &'static str = "fake";

    fn open(place: &Place) -> Result<Self, String> {
        match &place.unit {
            Some(_) => Ok(Self(tokio::sync::mpsc::unbounded_channel().1)),
            None => Err("there is none".to_string()),
        }
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        self.0.recv().await.map(|()| vec![SectionKind::Mounts]).ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    fn structure(sections: &[AnySection]) -> Option<Fingerprint> {
        Mountinfo::structure(sections)
    }
}

fn place() -> Place {
    Place { unit: Some("k3s.service".to_string()) }
}

fn mounted(paths: &[&str]) -> [AnySection; 1] {
    let row = |path: &&str| Mount { paths: Some(vec![(*path).to_string()]), ..Mount::default() };
    let facts = Mounts { mounts: Some(paths.iter().map(row).collect()), ..Mounts::default() };
    [AnySection::Mounts(Section::read("test", facts))]
}

#[tokio::test]
async fn a_source_that_closes_says_so_and_is_opened_again() {
    let mut source: Source<Fake> = Source::open(&place());
    assert_eq!(source.row().watching, Some(true));
    // Its sender is gone.
    assert_eq!(source.next().await, [SectionKind::Agent]);
    assert_eq!(source.row().watching, Some(false));
    assert!(source.row().detail.unwrap().starts_with("it closed: "));
    source.reopen(&place());
    assert_eq!(source.row().watching, Some(true));
    let closed: Source<Fake> = Source::open(&Place::default());
    assert_eq!(closed.row().detail.as_deref(), Some("there is none"));
}

#[test]
fn a_change_that_no_event_told_is_a_miss() {
    let mut source: Source<Fake> = Source::open(&place());
    source.learn(&mounted(&["/a"]));
    source.learn(&mounted(&["/a"]));
    assert!(!source.judge(&place()));
    source.learn(&mounted(&["/a", "/b"]));
    assert!(source.judge(&place()));
    assert!(source.row().detail.unwrap().starts_with("it was silent"));
    assert!(!source.judge(&place()), "once");
}

#[tokio::test]
async fn a_change_that_an_event_told_is_none() {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    let mut source: Source<Fake> = Source::with(Fake(receive));
    source.learn(&mounted(&["/a"]));
    // The event comes before the reading.
    send.send(()).unwrap();
    source.next().await;
    source.learn(&mounted(&["/a", "/b"]));
    assert!(!source.judge(&place()));
    source.learn(&mounted(&["/a", "/b"]));
    // It comes after it, and before the next heartbeat.
    source.learn(&mounted(&["/a"]));
    send.send(()).unwrap();
    source.next().await;
    assert!(!source.judge(&place()));
    assert_eq!(source.row().watching, Some(true));
}

#[test]
fn a_reading_without_the_section_says_nothing() {
    let mut source: Source<Fake> = Source::open(&place());
    source.learn(&mounted(&["/a"]));
    source.learn(&[]);
    source.learn(&mounted(&["/a"]));
    assert!(!source.judge(&place()));
}

#[tokio::test]
async fn every_source_is_watched_here_or_says_why_not() {
    let watches = Watches::open(true);
    let rows = watches.rows().unwrap();
    let names: Vec<&str> = rows.iter().filter_map(|row| row.name.as_deref()).collect();
    assert_eq!(names, ["cgroup", "dev", "mountinfo", "pressure", "route", "uevent"]);
    for row in &rows {
        assert_eq!(row.watching == Some(true), row.detail.is_none(), "{row:?}");
    }
    assert_eq!(Watches::open(false).rows(), None);
}

#[test]
fn mounts_that_may_hang_make_it_restless() {
    let none = Restless::default();
    assert_eq!(restless(&mounted(&[]), none), none);
    assert!(restless(&mounted(&["/a"]), none).mounts);
    assert!(restless(&[], Restless { mounts: true, k3s: false }).mounts);
}
