//! Cluster files as people write them: the examples are accepted as they stand, and mistakes are told all at once, each
//! with its place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{fs, path::Path};

use coord_cluster::{Weight, read};
use coord_model::section::{K3sRole, PlatformKind};
use coord_planner::{Consent, Desired, MountWay};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/examples").join(name);
    fs::read_to_string(path).unwrap()
}

fn desired(text: &str) -> Desired {
    let read = read(text);
    read.desired.unwrap_or_else(|| panic!("{:#?}", read.mistakes))
}

/// The mistakes as lines: `error 3:5+6 message | hint`.
fn told(text: &str) -> Vec<String> {
    let mistakes = read(text).mistakes;
    let line = |mistake: &coord_cluster::Mistake| {
        let weight = if mistake.weight == Weight::Error { "error" } else { "warning" };
        let place = mistake.place;
        let hint = mistake.hint.as_ref().map_or_else(String::new, |hint| format!(" | {hint}"));
        format!("{weight} {}:{}+{} {}{hint}", place.line, place.column, place.length, mistake.message)
    };
    mistakes.iter().map(line).collect()
}

#[test]
fn every_example_is_accepted_as_it_stands() {
    for name in ["homelab.yaml", "media-house.yaml", "minimal.yaml", "two-rooms.yaml"] {
        let expected: &[&str] = match name {
            "two-rooms.yaml" => &["warning 22:5+3 3 of 3 servers stand in zone rack: if it fails, the cluster stops"],
            _ => &[],
        };
        assert_eq!(told(&example(name)), expected, "{name}");
        desired(&example(name));
    }
}

#[test]
fn the_home_is_understood() {
    let home = desired(&example("homelab.yaml"));
    assert_eq!((home.name.as_str(), home.policy.joins), ("homelab", Consent::Approve));
    assert_eq!(home.coordinators, ["192.168.1.30:7443"]);
    assert_eq!(home.virtual_address.as_deref(), Some("192.168.1.100"));
    let w3 = &home.nodes["k3s-w3"];
    assert_eq!((w3.zone.as_str(), w3.region.as_str(), w3.host.as_str()), ("proxmox", "homelab", "proxmox"));
    assert_eq!((w3.kind, w3.k3s), (Some(PlatformKind::Lxc), K3sRole::Agent));
    assert_eq!(w3.default_labels["sw-volume"], "true");
    assert_eq!(w3.taints[0].to_string(), "gpu=true:NoSchedule");
    assert!(home.nodes["unraid"].default_labels.is_empty(), "defaults are for nodes with a role");
    assert_eq!(home.nodes["k3s-cp3"].host, "k3s-cp3");
    let media = &home.mounts["media"];
    assert_eq!((media.writable, media.via), (false, MountWay::Host));
    assert_eq!(home.mounts_of("k3s-w1").map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["media", "transcode"]);
    assert_eq!(home.mounts_of("k3s-cp1").count(), 0);
    assert_eq!(home.rules.len(), 3);
    assert_eq!(home.not_acted_on(), ["kubernetes (joins, snapshots, virtual address)", "workerSets"]);
}

#[test]
fn regions_hosts_and_defaults_follow() {
    let rooms = desired(&example("two-rooms.yaml"));
    assert_eq!(rooms.zones["attic"], "away");
    assert_eq!((rooms.nodes["cp2"].zone.as_str(), rooms.nodes["cp2"].host.as_str()), ("rack", "pve2"));
    assert!(!rooms.nodes["edge"].default_labels.contains_key("storage"), "null takes a default away");
    assert_eq!(rooms.nodes["edge"].region, "away");
    let flat = desired(&example("minimal.yaml"));
    assert_eq!((flat.zones["home"].as_str(), flat.nodes["pi"].host.as_str()), ("flat", "home"));
}

const HEAD: &str = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: home}\nspec:\n";

#[test]
fn all_mistakes_of_form_are_told_at_once() {
    let text = format!(
        "{HEAD}  zones:\n    proxmox: {{regoin: homelab}}\n    pi:\n  nodes:\n    w1: {{zone: proxmox, k3s: worker, \
         labels: {{sw-volume: true, level: 3}}}}\n    w2: {{k3s: agent, addresses: 10.0.0.1}}\n  lables: {{}}\n"
    );
    assert_eq!(
        told(&text),
        [
            "error 6:15+6 unknown key `zones.proxmox.regoin` | did you mean `region`?",
            "error 7:7+1 `pi` is empty | write {} for all defaults, or take the key away",
            "error 9:30+6 `k3s` cannot be `worker` | there are: server, agent, none",
            "error 9:58+4 label `sw-volume` must be text | write \"true\"",
            "error 9:71+1 label `level` must be text | write \"3\"",
            "error 10:5+2 w2 needs a zone | write zone: NAME, or host: NAME",
            "error 10:33+8 `addresses` has the wrong form: a list is expected, [one, two]",
            "error 11:3+6 unknown key `lables` | there are: coordinator, hosts, kubernetes, labelRules, mounts, \
             nodeDefaults, nodes, policy, region, workerSets, zones",
        ]
    );
}

/// Eight mistakes of every kind, some of which were once only told when the others were mended.
#[test]
fn mistakes_of_form_and_of_meaning_are_told_together() {
    let text = format!(
        "{HEAD}  polcy: {{joins: maybe}}\n  zones: {{rack: {{}}}}\n  nodes:\n    n1: {{zone: rak, k3s: yes}}\n    \
         n2: {{zone: no, k3s: agent, labels: {{ssd: true}}}}\n    n3: {{zone: rack}}\n  mounts:\n    films: {{server: nas, \
         export: /films, path: films, access: ro, nodes: [n9]}}\n  labelRules:\n    - when: gpu.useable\n      \
         set: {{gpu: \"true\"}}\n"
    );
    assert_eq!(
        told(&text),
        [
            "error 5:3+5 unknown key `polcy` | did you mean `policy`?",
            "error 5:18+5 `joins` cannot be `maybe` | there are: auto, approve, off",
            "error 8:16+3 there is no zone `rak` | did you mean `rack`?",
            "error 8:26+4 `k3s` cannot be `true` | there are: server, agent, none",
            "error 9:16+5 `zone` must be text | yes, no, on, off, true and false need quotes",
            "error 9:46+4 label `ssd` must be text | write \"true\"",
            "error 10:9+1 `spec.nodes.n3` needs the key `k3s`",
            "error 12:48+5 \"films\" is no absolute path | without . and .., and not / itself",
            "error 12:75+2 there is no node `n9` | did you mean `n1`?",
            "error 14:13+11 there is no fact `gpu.useable` | did you mean `gpu.usable`?",
        ]
    );
}

#[test]
fn a_section_of_names_that_is_broken_is_told_without_what_follows_from_it() {
    let text = format!("{HEAD}  zones: [rack]\n  nodes: {{n1: {{zone: rack, k3s: agent}}}}\n");
    assert_eq!(
        told(&text),
        [
            "error 5:10+1 `zones` has the wrong form: keys are expected, {key: value}",
            "warning 1:1+1 more mistakes may show when these are mended",
        ]
    );
}

#[test]
fn what_is_wrong_inside_an_optional_section_is_named() {
    let text = format!(
        "{HEAD}  zones: {{}}\n  nodes: {{}}\n  kubernetes: {{versoin: v1.34.3+k3s1, endpoint: \"https://10.0.0.1:6443\"}}\n"
    );
    assert_eq!(told(&text), ["error 7:16+7 unknown key `kubernetes.versoin` | did you mean `version`?"]);
}

#[test]
fn names_that_do_not_exist_are_told_with_the_nearest() {
    let text = format!(
        "{HEAD}  zones: {{rack: {{}}}}\n  nodes:\n    n1: {{zone: rak, k3s: none}}\n    n2: {{zone: rack, k3s: none}}\n  mounts:\n    \
         films: {{server: nas, export: /films, path: films, access: ro, nodes: [n2, n3]}}\n  labelRules:\n    - when: gpu.useable\n      set: {{gpu: \"true\"}}\n"
    );
    assert_eq!(
        told(&text),
        [
            "error 7:16+3 there is no zone `rak` | did you mean `rack`?",
            "error 10:48+5 \"films\" is no absolute path | without . and .., and not / itself",
            "error 10:79+2 there is no node `n3` | did you mean `n1`?",
            "error 12:13+11 there is no fact `gpu.useable` | did you mean `gpu.usable`?",
        ]
    );
}

#[test]
fn secrets_and_keys_of_coord_are_refused() {
    let text = format!(
        "{HEAD}  zones: {{a: {{}}}}\n  nodes: {{n: {{zone: a, k3s: server, labels: {{topology.kubernetes.io/zone: b}}}}}}\n  \
         kubernetes:\n    version: v1.34.3+k3s1\n    endpoint: http://x\n    serverConfig: {{token: abc, node-ip: 10.0.0.1, disable: [traefik]}}\n"
    );
    let told = told(&text);
    for part in [
        "`token` holds a secret",
        "`node-ip` belongs to Coord",
        "the label topology.kubernetes.io/zone belongs to Coord",
        "\"http://x\" is no endpoint",
    ] {
        assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:#?}");
    }
}

#[test]
fn unwise_shapes_are_warnings() {
    let text = format!(
        "{HEAD}  zones: {{a: {{}}, b: {{}}}}\n  nodes:\n    c1: {{zone: a, kind: bare-metal, k3s: server}}\n    \
         c2: {{zone: a, kind: bare-metal, k3s: server}}\n    c3: {{zone: b, kind: bare-metal, k3s: server}}\n"
    );
    assert_eq!(told(&text), ["warning 7:5+2 2 of 3 servers stand in zone a: if it fails, the cluster stops"]);
    assert!(read(&text).desired.is_some());
}

#[test]
fn text_that_is_no_cluster_file_is_one_clear_mistake() {
    for (text, part) in [
        ("", "the file is empty"),
        ("[]", "wrong form"),
        ("a: 1\na: 2\n", "the key `a` stands twice"),
        ("spec: {", ""),
        (
            "apiVersion: coord.homelab/v2\nkind: Cluster\nmetadata: {name: x}\nspec: {zones: {}, nodes: {}}\n",
            "`apiVersion` cannot be",
        ),
    ] {
        let read = read(text);
        assert!(read.desired.is_none(), "{text}");
        assert!(read.mistakes.iter().any(|mistake| mistake.message.contains(part)), "{text}: {:#?}", read.mistakes);
    }
}

#[test]
fn the_schema_is_for_editors() {
    let schema = coord_cluster::schema();
    assert_eq!(schema["title"], "Cluster");
    assert_eq!(
        schema["properties"]["spec"]["properties"]["nodes"]["additionalProperties"]["properties"]["k3s"]["enum"][0],
        "server"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_makes_it_panic(text in "[ -~\n]{0,120}") {
        let _ = read(&text);
    }
}
