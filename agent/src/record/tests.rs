//! Personal data planted everywhere is nowhere afterwards, and what was recorded reads as the machine did.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

use super::*;
use crate::host::{Answers, HelperAnswers, Reply};

/// The section as JSON, settled and with the same replacements.
fn settled(section: &AnySection, redactor: &mut Redactor) -> serde_json::Value {
    redactor.value(serde_json::to_value(section.settled()).unwrap())
}

/// What a helper answers on a machine of somebody called Jane.
const HELPER: &str = r#"{
  "dmiUuid": "5A1C63A0-8D1E-4B5A-9C3E-0123456789AB",
  "guests": [
    {"name": "janes-desktop", "identifier": "101", "kind": "proxmox-vm", "running": true,
     "uuid": "77777777-8d1e-4b5a-9c3e-0123456789ab", "macs": ["BC:24:11:77:88:99"], "gpus": ["0000:00:02.0"]},
    {"name": "tower", "identifier": "tower", "kind": "unraid-vm", "running": false, "uuid": null, "macs": [], "gpus": [],
     "unknown": {"uuid": {"state": "absent", "message": "the domain tower has none"}}}
  ],
  "dockerVersion": "27.3.1",
  "containers": [{"name": "janedoe-vault", "image": "registry.janedoe.example/vault:1", "state": "running", "health": "healthy"}],
  "certificates": [{"name": "client-admin", "source": "/var/lib/rancher/k3s/server/tls/client-admin.crt", "secondsLeft": 1000.0}],
  "snapshots": [{"path": "/var/lib/rancher/k3s/server/db/snapshots/etcd-snapshot-janebox-1763", "sizeBytes": 1, "ageSeconds": 2.0}],
  "openDevices": {"/dev/dri/renderD128": ["Plex Transcoder"]},
  "drmClients": [{"device": "0000:00:02.0", "client": 7, "program": "ffmpeg", "process": 12, "inPod": false}],
  "kernelLog": {"stalls": 0, "ioErrors": 1, "ioErrorsByDisk": {"sda": 1}}
}"#;

/// Files with something of Jane's in each.
const FILES: [(&str, &str); 17] = [
    ("/etc/hostname", "janebox\n"),
    ("/etc/machine-id", "5a1c63a08d1e4b5a9c3e0123456789ab\n"),
    ("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\njanedoe:x:1000:1000:Jane Doe:/home/janedoe:/bin/sh\n"),
    ("/etc/group", "render:x:104:janedoe\njanedoe:x:1000:\n"),
    ("/etc/exports", "/srv/janedoe janes-laptop.lan(rw) 192.168.77.0/24(ro)\n"),
    ("/etc/rancher/k3s/config.yaml", "server: https://janebox.example:6443\ntoken: hunter2\n"),
    ("/etc/systemd/system/k3s.service", "ExecStart=/usr/local/bin/k3s server '--token' 'hunter2'\n"),
    ("/etc/systemd/system/k3s.service.env", "K3S_TOKEN=K10aa::server:hunter2\nK3S_URL=https://janebox.example:6443\n"),
    ("/proc/1/environ", "HOME=/home/janedoe\0PASSWORD=hunter2\0"),
    ("/proc/77/cmdline", "k3s\0server\0--token\0hunter2\0"),
    (
        "/proc/self/mountinfo",
        "40 27 0:45 / /home/janedoe/films rw - cifs //janebox.example/films rw,username=janedoe\n",
    ),
    ("/proc/self/mountstats", "device janebox.example:/films mounted on /home/janedoe/films with fstype nfs4\n"),
    ("/sys/class/net/enxbc2411aabbcc/address", "bc:24:11:aa:bb:cc\n"),
    ("/sys/bus/usb/devices/1-1/serial", "JANESERIAL01\n"),
    ("/sys/class/dmi/id/product_serial", "JANESERIAL02\n"),
    ("/var/local/emhttp/var.ini", "NAME=\"janebox\"\nregTo=\"Jane Doe\"\nflashGUID=\"0781-5583-1111-222233334444\"\n"),
    ("/var/lib/smartmontools/attrlog.WDC-JANESERIAL03.ata.csv", "2026-11-23 10:00:00;\t194;32;\n"),
];

/// What must not be found, in whatever case.
const JANE: [&str; 14] = [
    "jane",
    "hunter",
    "serial01",
    "bc:24:11:aa:bb:cc",
    "bc2411aabbcc",
    "bc:24:11:77:88:99",
    "5a1c63a0",
    "77777777",
    "192.168.77.13",
    "2001:db8:77::13",
    "0781-5583",
    "JANESERIAL",
    "films-of",
    "jane doe",
];

fn planted() -> Taped {
    let mut taped = Taped::default();
    taped.files.extend(FILES.map(|(path, text)| (path.to_string(), text.as_bytes().to_vec())));
    taped.seen.insert("/dev/serial/by-id/usb-Stick_JANESERIAL01-if00".to_string());
    taped.folders.insert("/home/janedoe/films".to_string());
    let links = [("/sys/class/net/eth0", "../enxbc2411aabbcc"), ("/dev/serial/by-id/x", "../JANESERIAL01")];
    taped.links.extend(links.map(|(path, target)| (path.to_string(), target.to_string())));
    let answers = serde_json::json!({
        "schema": 1,
        "user": {"id": 1000, "name": "jane", "groups": [1000]},
        "kernel": {"release": "6.1", "machine": "x86_64", "hostName": "janebox"},
        "addresses": {"enxbc2411aabbcc": ["192.168.77.13/24", "2001:db8:77::13/64"]},
        "refused": {"/home/janedoe/x": {"unknown": {"state": "denied", "message": "/home/janedoe/x: for janedoe only"}}},
        "http": {"192.168.77.13:2381/health": {"status": 200, "body": "{\"health\":\"true\",\"name\":\"bc:24:11:aa:bb:cc\"}"}},
        "sockets": {"/home/janedoe/docker.sock": true},
        "helper": serde_json::from_str::<serde_json::Value>(HELPER).unwrap(),
    });
    taped.answers = serde_json::from_value::<Answers>(answers).unwrap();
    taped
}

/// Every path below `folder`, and every text.
fn everything(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            found.push((path.clone(), fs::read_link(&path).unwrap().to_string_lossy().into_owned()));
        } else if path.is_dir() {
            found.push((path.clone(), String::new()));
            everything(&path, found);
        } else {
            found.push((path.clone(), String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()));
        }
    }
}

#[test]
fn nothing_of_jane_is_left() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), planted()).unwrap();
    let mut found = Vec::new();
    everything(folder.path(), &mut found);
    assert!(found.len() > FILES.len());
    for (path, text) in &found {
        let path = path.strip_prefix(folder.path()).unwrap().display().to_string();
        let whole = format!("{path}\n{text}").to_lowercase();
        let left: Vec<&&str> = JANE.iter().filter(|word| whole.contains(&word.to_lowercase())).collect();
        assert!(left.is_empty(), "{left:?} in {whole}");
    }
    let answers = fs::read_to_string(folder.path().join("answers.json")).unwrap();
    for kept in ["Plex Transcoder", "renderD128", "client-admin.crt", "ffmpeg", "\"101\"", "0000:00:02.0"] {
        assert!(answers.contains(kept), "{kept} says nothing about anybody and is gone");
    }
}

#[test]
fn one_thing_stays_one_thing() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), planted()).unwrap();
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    let answers: serde_json::Value = serde_json::from_str(&read("answers.json")).unwrap();
    let uuid = answers["helper"]["dmiUuid"].as_str().unwrap().replace('-', "");
    assert_eq!(read("root/etc/machine-id").trim(), uuid);
    let interface = answers["addresses"].as_object().unwrap().keys().next().unwrap().clone();
    assert!(folder.path().join(format!("root/sys/class/net/{interface}/address")).is_file(), "{interface}");
    let server = |text: &str| text.split("https://").nth(1).unwrap().split(':').next().unwrap().to_string();
    let config = read("root/etc/rancher/k3s/config.yaml");
    assert_eq!(server(&config), server(&read("root/etc/systemd/system/k3s.service.env")));
    assert!(read("root/proc/self/mountinfo").contains(&format!("//{}/films", server(&config))), "{config}");
    let [first, second] = [0, 1].map(|number| answers["helper"]["guests"][number].clone());
    assert_eq!((first["name"].as_str(), first["identifier"].as_str()), (Some("guest1"), Some("101")));
    assert_eq!((second["name"].as_str(), second["identifier"].as_str()), (Some("guest2"), Some("guest2")));
    let serial = read("root/sys/bus/usb/devices/1-1/serial");
    assert!(folder.path().join(format!("root/dev/serial/by-id/usb-Stick_{}-if00", serial.trim())).exists());
}

/// A helper that answers every request for facts with [`HELPER`], until the socket goes.
fn serve(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let answers: HelperAnswers = serde_json::from_str(HELPER).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let asked = BufReader::new(&stream).read_line(&mut line).is_ok();
            let reply = if line.contains("\"facts\"") {
                Reply::Facts(Box::new(answers.clone()))
            } else {
                Reply::Refused("only facts here".to_string())
            };
            // A reader that left has its own reasons.
            let _ =
                asked.then(|| (&stream).write_all(format!("{}\n", serde_json::to_string(&reply).unwrap()).as_bytes()));
        }
    });
}

#[test]
fn a_replayed_machine_reports_what_the_live_one_did() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("helper.sock");
    serve(&socket);
    for helper_socket in [None, Some(socket)] {
        let with_helper = helper_socket.is_some();
        let briefing = Briefing { helper_socket, ..Briefing::default() };
        let (taped, live) = tape(briefing);
        assert_eq!(taped.answers.helper.is_some(), with_helper);
        let place = folder.path().join(format!("recorded-{with_helper}"));
        let mut redactor = put(&place, taped).unwrap();
        let host = Host::recorded(&place).unwrap();
        for section in live.iter().filter(|section| section.kind() != SectionKind::Agent) {
            let replayed = probe::probe(&host, section.kind(), &mut Briefing::default()).unwrap();
            let (one, other) = (settled(section, &mut redactor), serde_json::to_value(replayed.settled()).unwrap());
            assert_eq!(one, other, "{} differs", section.kind());
        }
    }
}

#[test]
fn a_folder_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("root")).unwrap();
    let error = record(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("already") && error.contains("hint:"), "{error}");
}
