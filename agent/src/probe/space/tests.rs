//! What answers of statvfs mean, by example.

use super::*;

fn space() -> Space {
    Space {
        size_bytes: 100,
        free_bytes: 50,
        available_bytes: 40,
        inodes: 0,
        inodes_free: 0,
        read_only: false,
        seconds: 0.01,
    }
}

fn answered(space: Reading<Space>) -> SpaceAnswer {
    SpaceAnswer::Answered { space, sentinel: None }
}

fn late(lasting: bool) -> SpaceAnswer {
    SpaceAnswer::Late { message: "/a did not answer in 3 s".to_string(), lasting }
}

fn merged(mount: Mount, answer: SpaceAnswer, expected: &[ExpectedMount]) -> Mount {
    let mount = Mount { device_number: Some("0:45".to_string()), ..mount };
    let mut section = Section::read("", Mounts { mounts: Some(vec![mount]), ..Mounts::default() });
    merge_mounts(&mut section, &SpaceAnswers::from([("0:45".to_string(), answer)]), expected);
    section.facts.unwrap().mounts.unwrap().remove(0)
}

fn plain(answer: SpaceAnswer) -> Mount {
    merged(Mount::default(), answer, &[])
}

#[test]
fn the_answer_decides_the_state() {
    assert_eq!(plain(answered(Ok(space()))).state, Some(MountState::Ok));
    assert_eq!(plain(answered(Ok(Space { seconds: 1.5, ..space() }))).state, Some(MountState::Slow));
    assert_eq!(plain(SpaceAnswer::Leaked).state, Some(MountState::Leaked));
    assert_eq!(plain(late(false)).state, Some(MountState::Stuck));
    for (unknown, state) in [
        (Unknown::new(ValueState::Timeout, "late"), MountState::Stuck),
        (Unknown::error("/data: stale file handle (ESTALE)"), MountState::Stale),
        (Unknown::denied("/data: permission denied (EACCES)"), MountState::Denied),
        (Unknown::error("/data: no (ENOTCONN)"), MountState::ServerDown),
        (Unknown::error("/data: no (EHOSTDOWN)"), MountState::ServerDown),
    ] {
        assert_eq!(plain(answered(Err(unknown))).state, Some(state));
    }
}

#[test]
fn a_process_behind_a_fuse_mount_that_has_ended_is_its_service() {
    let fuse = Mount { kind: Some("fuse.shfs".to_string()), ..Mount::default() };
    let gone = answered(Err(Unknown::error("/mnt/user: not connected (ENOTCONN)")));
    assert_eq!(merged(fuse, gone, &[]).state, Some(MountState::ServiceDown));
}

#[test]
fn a_server_that_answers_makes_a_late_mount_slow_before_it_is_stuck() {
    let pinged = || Mount { ping_seconds: Some(0.001), ..Mount::default() };
    let slow = merged(pinged(), late(false), &[]);
    assert_eq!((slow.state, slow.detail.as_deref()), (Some(MountState::Slow), Some(mounts::SPINS_UP)));
    assert_eq!(slow.unknown["sizeBytes"].state, ValueState::Timeout);
    let stuck = merged(pinged(), late(true), &[]);
    assert_eq!(stuck.state, Some(MountState::Stuck));
    assert_eq!(stuck.detail.as_deref(), Some("/a did not answer in 3 s, although its server answers a ping"));
}

#[test]
fn what_is_settled_without_asking_stays() {
    let down = Mount { state: Some(MountState::ServerDown), ..Mount::default() };
    assert_eq!(merged(down, SpaceAnswer::Leaked, &[]).state, Some(MountState::ServerDown));
}

#[test]
fn read_only_counts_where_writing_was_declared() {
    let declared = ExpectedMount { name: "media".to_string(), writable: true, ..ExpectedMount::default() };
    let mount = || Mount { name: Some("media".to_string()), read_only: Some(true), ..Mount::default() };
    let found = merged(mount(), answered(Ok(space())), std::slice::from_ref(&declared));
    assert_eq!(found.state, Some(MountState::ReadOnly));
    assert!(found.detail.is_some() && !found.unknown.contains_key("detail"));
    let reading = ExpectedMount { writable: false, ..declared.clone() };
    assert_eq!(merged(mount(), answered(Ok(space())), &[reading]).state, Some(MountState::Ok));
    assert_eq!(merged(mount(), late(false), &[declared]).state, Some(MountState::Stuck));
}

#[test]
fn a_sentinel_is_told_with_the_answer() {
    let answer = SpaceAnswer::Answered { space: Ok(space()), sentinel: Some(Ok(false)) };
    assert_eq!(plain(answer).sentinel, Some(false));
}

#[test]
fn an_answer_without_a_meaning_leaves_the_state_unknown() {
    let mount = plain(answered(Err(Unknown::error("no recorded answer for statvfs /x"))));
    assert_eq!(mount.state, None);
    assert_eq!(mount.unknown["state"].state, ValueState::Error);
    assert_eq!(mount.unknown["availableBytes"].state, ValueState::Error);
}

#[test]
fn inodes_made_as_needed_are_not_zero() {
    let row = Filesystem { device_number: Some("8:1".to_string()), ..Filesystem::default() };
    let facts = Disk { filesystems: Some(vec![row]), ..Disk::default() };
    let mut section = Section::read("", facts);
    merge_disk(&mut section, &SpaceAnswers::from([("8:1".to_string(), answered(Ok(space())))]));
    let row = section.facts.unwrap().filesystems.unwrap().remove(0);
    assert_eq!((row.size_bytes, row.inodes), (Some(100), None));
    assert_eq!(row.unknown["inodes"].state, ValueState::NotApplicable);
}

#[test]
fn disks_are_asked_before_servers_and_automounts_never() {
    let rows = table::parse(
        "40 27 0:45 / /a rw - nfs4 nas:/a rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
         41 27 0:50 / /auto rw - autofs systemd-1 rw\n42 27 0:6 / /dev rw - devtmpfs udev rw",
    );
    let declared = ExpectedMount { path: "/a/".into(), sentinel: ".there".into(), ..ExpectedMount::default() };
    let jobs: Vec<_> = jobs(&rows, &[declared]).into_iter().map(|job| (job.path, job.remote, job.sentinel)).collect();
    assert_eq!(jobs, [("/".to_string(), false, None), ("/a".to_string(), true, Some(Ok("/a/.there".to_string())))]);
}

#[test]
fn many_disks_starve_no_share_and_what_is_declared_comes_first() {
    let disks = (0..600).map(|number| format!("{number} 9 8:{number} / /disk{number} rw - ext4 /dev/sd{number} rw"));
    let shares = (0..600).map(|number| format!("{number} 9 0:{number} / /s{number} rw - nfs4 nas:/{number} rw"));
    let text: Vec<String> = disks.chain(shares).collect();
    let rows = table::parse(&text.join("\n"));
    let place = ExpectedMount { path: "/s99/".into(), ..ExpectedMount::default() };
    let volume = ExpectedMount { volume: true, server: "nas".into(), export: "/98".into(), ..ExpectedMount::default() };
    let jobs = jobs(&rows, &[place, volume]);
    let remote: Vec<&str> = jobs.iter().filter(|job| job.remote).map(|job| job.path.as_str()).collect();
    assert_eq!((jobs.len(), remote.len()), (2 * MOST_JOBS, MOST_JOBS));
    assert_eq!(remote[..3], ["/s98", "/s99", "/s0"]);
}

#[test]
fn a_fuse_mount_that_says_zeros_has_no_known_size() {
    let zeros = || answered(Ok(Space { size_bytes: 0, free_bytes: 0, available_bytes: 0, ..space() }));
    let of = |kind: &str, options: &str| {
        let (kind, options) = (Some(kind.to_string()), Some(options.to_string()));
        merged(Mount { kind, options, ..Mount::default() }, zeros(), &[])
    };
    let shared = of("fuse.lxcfs", "rw,user_id=0,allow_other");
    assert_eq!((shared.state, shared.size_bytes, shared.available_bytes), (Some(MountState::Ok), None, None));
    let own = of("fuse.sshfs", "rw,user_id=0");
    assert_eq!((own.state, own.size_bytes), (None, None));
    assert_eq!(own.unknown["state"].state, ValueState::Absent);
    assert_eq!(of("nfs4", "rw").size_bytes, Some(0));
}
