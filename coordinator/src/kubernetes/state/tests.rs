//! What counts as an absence, a held Lease and a newer Node.

use super::*;

fn at(seconds: u64) -> Boot {
    Boot(Duration::from_secs(seconds))
}

fn node(name: &str, uid: &str, version: &str) -> KubeNode {
    let (uid, resource_version) = (uid.to_owned(), version.to_owned());
    KubeNode { name: name.to_owned(), uid, resource_version, ..KubeNode::default() }
}

#[test]
fn a_hiccup_of_a_cluster_that_was_there_is_no_absence() {
    let trouble = Some((at(100), Failure::away("gone", None)));
    let there = Known { reach: Reach::There, trouble, ..Known::default() };
    assert_eq!(there.reach_at(at(102)), Reach::There);
    assert!(matches!(there.reach_at(at(103)), Reach::Away { .. }));
    let trouble = Some((at(100), Failure::away("gone", None)));
    let never = Known { reach: Reach::Reading, trouble, ..Known::default() };
    assert!(matches!(never.reach_at(at(100)), Reach::Away { .. }));
}

#[test]
fn a_lease_that_was_not_renewed_is_not_held() {
    let known = Known { lease: WriteLease::Held { until: at(100) }, ..Known::default() };
    assert_eq!(known.lease_at(at(99)), WriteLease::Held { until: at(100) });
    assert_eq!(known.lease_at(at(100)), WriteLease::Asking);
}

#[test]
fn an_answer_that_overtook_the_watch_is_not_undone_by_it() {
    let mut known = Known::default();
    assert!(known.fold(node("a", "u", "10")));
    assert!(!known.fold(node("a", "u", "9")));
    assert_eq!(known.nodes["a"].resource_version, "10");
    assert!(!known.fold(node("a", "u", "11")), "a new version alone wakes nobody");
    known.patience.conflict("a");
    assert!(known.fold(node("a", "u", "12")), "unless it was waited for");
    assert!(known.fold(node("a", "v", "1")), "another Node of the same name counts, whatever its version");
}
