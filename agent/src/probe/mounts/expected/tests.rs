//! Declared mounts against tables of mounts, by example, and against real folders.

use std::collections::BTreeMap;

use super::{super::table, *};

const TABLE: &str = "\
27 1 8:1 / / rw - ext4 /dev/sda1 rw
30 27 0:60 / /tmp rw - tmpfs tmpfs rw
40 27 0:45 / /data/media ro - nfs4 192.168.1.29:/mnt/user/media rw,addr=192.168.1.29
41 27 0:46 / /data/named rw - nfs4 nas.lan:/mnt/named rw,addr=192.168.1.30
42 27 0:50 / /auto rw - autofs systemd-1 rw
43 27 0:51 / /var/lib/kubelet/pods/x/volumes/nfs rw - nfs4 192.168.1.29:/mnt/user/books rw,addr=192.168.1.29";

fn declared(path: &str, server: &str, export: &str) -> ExpectedMount {
    let (path, server, export) = (path.to_string(), server.to_string(), export.to_string());
    ExpectedMount { name: "media".to_string(), path, server, export, ..ExpectedMount::default() }
}

/// Rows of the table as the probe makes them, as far as they are looked at.
fn mounts() -> Vec<Mount> {
    let rows = table::parse(TABLE);
    let remote = |row: &&Row| matches!(row.family(), Family::Remote | Family::Automount);
    rows.iter()
        .filter(remote)
        .map(|row| {
            let (server, export) = super::super::source::split(&row.kind, &row.source);
            Mount {
                source: Some(row.source.clone()),
                server: server.ok(),
                export: export.ok(),
                server_address: servers::behind(row).ok().map(|server| server.address.to_string()),
                paths: Some(vec![row.path.clone()]),
                state: (row.family() == Family::Automount).then_some(MountState::IdleAutomount),
                ..Mount::default()
            }
        })
        .collect()
}

/// The row that carries the declared name.
fn told(one: &ExpectedMount, pings: &Pings) -> Mount {
    let mut all = mounts();
    apply(&Host::here(), &table::parse(TABLE), &mut all, std::slice::from_ref(one), pings);
    all.into_iter().find(|mount| mount.name.as_deref() == Some("media")).expect("a row with the name")
}

fn state(path: &str, server: &str, export: &str) -> Option<MountState> {
    told(&declared(path, server, export), &BTreeMap::new()).state
}

#[test]
fn the_right_mount_gets_its_name_and_nothing_else() {
    assert_eq!(state("/data/media/", "192.168.1.29", "/mnt/user/media/"), None);
    assert_eq!(state("/data/media", "", ""), None);
    assert_eq!(state("/data/named", "nas", "/mnt/named"), None);
    assert_eq!(state("/data/named", "192.168.1.30", "/mnt/named"), None);
    // A name cannot be compared with the address of a mount.
    assert_eq!(state("/data/media", "unraid.lan", "/mnt/user/media"), None);
    assert_eq!(state("/auto", "192.168.1.29", "/x"), Some(MountState::IdleAutomount));
}

#[test]
fn another_mount_at_the_path_is_the_wrong_source() {
    for (path, server, export) in [
        ("/data/media", "192.168.1.29", "/mnt/user/other"),
        ("/data/media", "192.168.1.28", "/mnt/user/media"),
        ("/data/named", "other.lan", "/mnt/named"),
        ("/data/named", "192.168.1.31", "/mnt/named"),
        ("/tmp", "192.168.1.29", "/mnt/user/media"),
    ] {
        assert_eq!(state(path, server, export), Some(MountState::WrongSource), "{path} {server} {export}");
    }
    let detail = told(&declared("/data/media", "", "/other"), &BTreeMap::new()).detail.unwrap();
    assert_eq!(detail, "192.168.1.29:/mnt/user/media is mounted there, declared is /other");
}

#[test]
fn a_missing_mount_counts_what_lies_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let missing = |path: &str| told(&declared(path, "192.168.1.29", "/mnt/user/media"), &BTreeMap::new());
    let empty = missing(path);
    assert_eq!((empty.state, empty.shadow_files, empty.shadow_bytes), (Some(MountState::Missing), Some(0), Some(0)));
    std::fs::write(folder.path().join("database"), "12345").unwrap();
    let written = missing(path);
    assert_eq!((written.shadow_files, written.shadow_bytes), (Some(1), Some(5)));
    assert!(written.detail.unwrap().contains("files were written into its folder"));
    assert_eq!(written.source.as_deref(), Some("192.168.1.29:/mnt/user/media"));
    assert_eq!(written.unknown["deviceNumber"].state, ValueState::Absent);
    let gone = missing("/nonexistent/folder");
    assert_eq!(gone.unknown["shadowFiles"].state, ValueState::Absent);
}

#[test]
fn a_folder_that_lies_on_a_share_or_an_automount_is_not_touched() {
    let below = told(&declared("/data/media/films", "192.168.1.29", "/films"), &BTreeMap::new());
    assert_eq!(below.state, Some(MountState::Missing));
    assert_eq!(below.unknown["shadowFiles"].state, ValueState::NotApplicable);
    assert_eq!(state("/auto/films", "192.168.1.29", "/films"), Some(MountState::IdleAutomount));
}

#[test]
fn a_path_that_is_not_the_real_one_is_never_missing_and_never_walked() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_str().unwrap();
    std::fs::create_dir_all(folder.path().join("real/media")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("real"), folder.path().join("link")).unwrap();
    let told = |path: &str| told(&declared(path, "192.168.1.29", "/mnt/user/media"), &BTreeMap::new());
    for path in [format!("{base}/link"), format!("{base}/link/media"), "/tmp/../data/named".into(), "data".into()] {
        let mount = told(&path);
        assert_eq!((mount.state, mount.shadow_files), (None, None), "{path}");
        assert!(mount.unknown["state"].message.ends_with("declare the real path"), "{path}");
    }
    assert_eq!(told(&format!("{base}/real/media")).state, Some(MountState::Missing));
}

#[test]
fn a_local_disk_below_a_share_is_not_walked() {
    let text = format!("{TABLE}\n50 40 8:2 / /data/media/disk rw - ext4 /dev/sdb1 rw");
    let mut all = Vec::new();
    let one = declared("/data/media/disk/films", "192.168.1.29", "/films");
    apply(&Host::here(), &table::parse(&text), &mut all, &[one], &BTreeMap::new());
    assert_eq!(all[0].unknown["shadowFiles"].message, "its folder is on /data/media, a nfs4 mount");
}

#[test]
fn a_hidden_mount_is_missing_and_says_what_is_on_top() {
    let text = format!("{TABLE}\n50 27 8:2 / /data rw - ext4 /dev/sdb1 rw");
    let mut all = Vec::new();
    apply(&Host::here(), &table::parse(&text), &mut all, &[declared("/data/media", "", "")], &BTreeMap::new());
    assert_eq!(all[0].state, Some(MountState::Missing));
    let detail =
        "192.168.1.29:/mnt/user/media is mounted there, but hidden: /dev/sdb1 (ext4) was mounted on /data later";
    assert_eq!(all[0].detail.as_deref(), Some(detail));
}

#[test]
fn a_volume_counts_anywhere_and_else_its_server_decides() {
    let volume = |export: &str| ExpectedMount { volume: true, ..declared("", "192.168.1.29", export) };
    let books = told(&volume("/mnt/user/books"), &BTreeMap::new());
    assert_eq!((books.state, books.paths.unwrap()[0].as_str()), (None, "/var/lib/kubelet/pods/x/volumes/nfs"));
    let unused = volume("/mnt/user/photos");
    let server = servers(std::slice::from_ref(&unused)).next().unwrap();
    let with = |ping: Reading<Ping>| told(&unused, &Pings::from([(server, ping)])).state;
    assert_eq!(with(Ok(Ping::Answered(0.001))), Some(MountState::Ok));
    assert_eq!(with(Ok(Ping::Refused)), Some(MountState::Missing));
    assert_eq!(with(Err(Unknown::error("no thread"))), Some(MountState::Missing));
    let named = told(&ExpectedMount { server: "nas.lan".into(), ..unused }, &BTreeMap::new());
    assert_eq!((named.state, named.unknown["state"].state), (None, ValueState::Absent));
}

#[test]
fn every_value_of_an_added_row_is_explained() {
    use coord_model::Facts;
    for one in [
        declared("/nonexistent", "", ""),
        declared("/tmp", "a", "/b"),
        declared("/auto/x", "a", "/b"),
        declared("x", "a", "/b"),
    ] {
        assert_eq!(told(&one, &BTreeMap::new()).unexplained(), [""; 0]);
    }
}

#[test]
fn a_sentinel_lies_below_its_mount() {
    let rows = table::parse(TABLE);
    let named = |name: &str| ExpectedMount { sentinel: name.into(), ..declared("/data/media", "", "") };
    let found = |name: &str| sentinel(&[named(name)], rows.iter());
    assert_eq!(found(".coord/there"), Some(Ok("/data/media/.coord/there".to_string())));
    assert!(found("../../etc/shadow").unwrap().is_err());
    assert!(found("/etc/shadow").unwrap().is_err());
    assert_eq!(found(""), None);
}
