//! Golden screens of the example home, at 80 and 120 columns and narrower, with and without colour.

mod fixtures;
mod lists;
mod nodes;
mod plan;

use insta::assert_snapshot;

use super::{Look, check, explain, failure, stale::Stale, status, text, token, why};
use crate::failure::Failure;
use fixtures::{NOW, check_document, homelab, well, why_document};

/// A screen of so many columns, as it is at the fixtures' time.
fn look(columns: usize) -> Look {
    Look { columns, wide: false, now: NOW.parse().unwrap() }
}

/// A screen as it is without colour.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn stale() -> Stale {
    let failure = Failure::away("192.168.1.30:7443")
        .cause("connection refused")
        .hint("on that machine, run: systemctl status coordinator");
    Stale { seconds: 14.0 * 60.0 + 7.0, place: "192.168.1.30:7443".to_owned(), failure }
}

/// No line without an address, a code or a hint that has to stay whole is longer than the screen.
fn assert_fits(text: &str, columns: usize) {
    for line in text.lines() {
        assert!(text::length(line) <= columns, "{} columns: {line}", text::length(line));
    }
}

#[test]
fn status_of_an_ill_home() {
    let screen = plain(&status::status(&homelab(), None, look(80)));
    assert_fits(&screen, 80);
    assert_snapshot!("status_80", screen);
    let screen = plain(&status::status(&homelab(), None, look(120)));
    assert_fits(&screen, 120);
    assert_snapshot!("status_120", screen);
}

#[test]
fn status_drops_platform_then_role_and_never_a_name() {
    let heading = |columns| {
        let screen = plain(&status::status(&homelab(), None, look(columns)));
        screen.lines().nth(2).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(heading(79), "ZONE NODE PLATFORM ROLE HEALTH GPU MOUNTS SEEN");
    assert_eq!(heading(70), "ZONE NODE ROLE HEALTH GPU MOUNTS SEEN");
    assert_eq!(heading(56), "ZONE NODE HEALTH GPU MOUNTS SEEN");
    assert_snapshot!("status_56", plain(&status::status(&homelab(), None, look(56))));
}

#[test]
fn status_wide_has_agents_and_ids() {
    let wide = Look { wide: true, ..look(120) };
    assert_snapshot!("status_wide", plain(&status::status(&homelab(), None, wide)));
}

#[test]
fn status_of_a_home_that_is_well() {
    assert_snapshot!(plain(&status::status(&well(), None, look(80))));
}

#[test]
fn status_without_nodes_says_how_to_begin() {
    let mut empty = well();
    empty.nodes.clear();
    "home".clone_into(&mut empty.fleet);
    assert_snapshot!(plain(&status::status(&empty, None, look(80))));
}

#[test]
fn status_while_the_coordinator_is_away() {
    assert_snapshot!(plain(&status::status(&homelab(), Some(&stale()), look(80))));
}

#[test]
fn colour_is_on_symbols_and_words_only() {
    let coloured = status::status(&homelab(), None, look(80));
    assert!(coloured.contains("\u{1b}[31mx degraded\u{1b}[0m"), "{coloured}");
    assert!(coloured.contains("  \u{1b}[31mx\u{1b}[0m  k3s-w3"), "{coloured}");
    assert!(coloured.contains("\u{1b}[32mready\u{1b}[0m"), "{coloured}");
    assert_eq!(plain(&coloured).lines().count(), coloured.lines().count());
}

#[test]
fn why_tells_problem_and_wait() {
    assert_snapshot!(plain(&why::why(&why_document(), None, look(80))));
}

#[test]
fn check_groups_with_marks() {
    assert_snapshot!(plain(&check::check(&check_document(), None, look(80))));
    assert!(check::is_wrong(&check_document()));
    let mut fine = check_document();
    fine.groups.iter_mut().for_each(|group| group.checks.retain(|row| row.problem.is_none()));
    assert!(!check::is_wrong(&fine));
}

#[test]
fn explain_says_what_to_do() {
    assert_snapshot!(plain(&explain::one(coord_model::Code::GpuDeviceCgroup, look(80))));
}

#[test]
fn explain_lists_every_code_within_the_screen() {
    let list = plain(&explain::all(look(80)));
    assert_fits(&list, 80);
    for code in coord_model::Code::ALL {
        assert!(list.lines().any(|line| line.starts_with(&format!("{code} "))), "{code}");
    }
}

#[test]
fn errors_have_causes_and_hints() {
    let error = Failure::new("the name k3s-w3 is taken by another machine")
        .cause("machine-id 9e20… enrolled it 40 days ago, last seen 2s ago")
        .hint("if that machine was cloned, give this one its own identity:\nrm /etc/machine-id && systemd-machine-id-setup")
        .hint("to replace it: coordctl token create --node k3s-w3 --replace");
    assert_snapshot!(plain(&failure::failure(&error)));
}

#[test]
fn a_token_comes_with_the_lines_to_paste() {
    let token = coord_model::CreatedToken { lifetime: std::time::Duration::from_secs(900), ..Default::default() };
    let node = token::created(&token, Some("k3s-w3"), false, "14:32");
    let operator = token::created(&token, None, true, "14:32");
    assert_snapshot!(format!("{node}---\n{operator}").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn ages_and_sizes_are_short() {
    let ages = [0.4, 59.9, 60.0, 3599.0, 3600.0, 86_399.0, 86_400.0, 9.5 * 86_400.0, -5.0].map(text::age);
    assert_eq!(ages, ["0s", "59s", "1m", "59m", "1h", "23h", "1d", "9d", "0s"]);
    let sizes = [0, 999, 1024, 6_549_825_126, 412 << 30, 1000 << 30, u64::MAX].map(text::size);
    assert_eq!(sizes, ["0 B", "999 B", "1.0 KiB", "6.1 GiB", "412 GiB", "1.0 TiB", "16384 PiB"]);
    assert_eq!([0.0006, 0.04, 3.0].map(text::short_time), ["0.6 ms", "40 ms", "3.0 s"]);
}

#[test]
fn words_are_wrapped_and_never_cut() {
    assert_eq!(text::wrap("a bc  def\ng", 4), ["a bc", "def", "g"]);
    assert_eq!(text::wrap("unbreakable", 4), ["unbreakable"]);
}
