//! Lane `k3s`: certificate files and etcd snapshots, which root alone may see. Names, dates and sizes leave this file,
//! keys and the configuration never do.

use std::time::SystemTime;

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Certificate, CertificateReading, Snapshot, SnapshotReading},
};
use serde::Deserialize;

use super::ground::Ground;

/// Where k3s keeps everything unless it is told otherwise.
const DATA: &str = "/var/lib/rancher/k3s";
const CONFIG: &str = "/etc/rancher/k3s/config.yaml";
/// Folders with certificates below the data folder, and what is put before a name from there.
const FOLDERS: [(&str, &str); 6] = [
    ("server/tls", ""),
    ("server/tls/etcd", "etcd "),
    ("server/tls/kube-controller-manager", "kube-controller-manager "),
    ("server/tls/kube-scheduler", "kube-scheduler "),
    ("agent", ""),
    ("agent/tls", ""),
];
/// The most rows of each kind.
const MOST: usize = 64;

/// Certificates, snapshots.
pub(super) type Files = (Reading<Vec<Certificate>>, Reading<Vec<Snapshot>>);

/// The two keys of k3s's configuration that say where files lie.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Places {
    data_dir: Option<String>,
    etcd_snapshot_dir: Option<String>,
}

/// Reads both.
pub(super) fn read(ground: &Ground) -> Files {
    let places = match ground.text(CONFIG) {
        Ok(text) => places(&text),
        Err(reason) if reason.state == ValueState::Absent => Ok(Places::default()),
        Err(reason) => Err(reason),
    };
    let places = match places {
        Ok(places) => places,
        Err(reason) => return (Err(reason.clone()), Err(reason)),
    };
    let data = places.data_dir.as_deref().filter(|path| path.starts_with('/')).unwrap_or(DATA).trim_end_matches('/');
    let usual = format!("{data}/server/db/snapshots");
    let folder = places.etcd_snapshot_dir.filter(|path| path.starts_with('/')).unwrap_or(usual);
    (certificates(ground, data), snapshots(ground, &folder))
}

fn places(text: &str) -> Reading<Places> {
    if text.is_empty() {
        return Ok(Places::default());
    }
    // The parser's own message may quote the file, which holds the token.
    serde_saphyr::from_str(text).map_err(|_| Unknown::error(format!("{CONFIG} is not valid YAML")))
}

/// Every `*.crt` in k3s's folders: its first certificate, the one that is shown.
fn certificates(ground: &Ground, data: &str) -> Reading<Vec<Certificate>> {
    if !ground.exists(data) {
        return Err(Unknown::absent(format!("{data} is not there")));
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut rows = Vec::new();
    for (folder, before) in FOLDERS {
        let folder = format!("{data}/{folder}");
        let names = match ground.list(&folder) {
            Ok(names) => names,
            Err(reason) if reason.state == ValueState::Absent => continue,
            Err(reason) => return Err(reason),
        };
        for name in names.iter().filter_map(|name| name.strip_suffix(".crt")) {
            let path = format!("{folder}/{name}.crt");
            let left = ground.read(&path).and_then(|bytes| seconds_left(&path, &bytes, now));
            rows.push(
                CertificateReading { name: Ok(format!("{before}{name}")), source: Ok(path), seconds_left: left }.into(),
            );
        }
    }
    rows.truncate(MOST);
    Ok(rows)
}

/// Until the first certificate of a PEM file ends, by this machine's clock.
fn seconds_left(path: &str, bytes: &[u8], now: u64) -> Reading<f64> {
    let broken = || Unknown::error(format!("{path} holds no certificate"));
    let block = x509_parser::pem::Pem::iter_from_buffer(bytes).next().and_then(Result::ok).ok_or_else(broken)?;
    let certificate = block.parse_x509().map_err(|_| broken())?;
    let end = certificate.validity().not_after.timestamp();
    let left = end.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX));
    #[expect(clippy::cast_precision_loss, reason = "seconds of a certificate's life are far below 2^53")]
    let left = left as f64;
    Ok(left)
}

/// The newest files in the folder of snapshots.
fn snapshots(ground: &Ground, folder: &str) -> Reading<Vec<Snapshot>> {
    let names = ground.list(folder)?;
    let paths = names.iter().filter(|name| !name.starts_with('.')).map(|name| format!("{folder}/{name}"));
    let mut found: Vec<_> = paths.filter_map(|path| ground.file(&path).map(|facts| (path, facts))).collect();
    found.sort_by_key(|(_, facts)| facts.age);
    found.truncate(MOST);
    let row = |(path, facts): (String, super::ground::FileFacts)| SnapshotReading {
        path: Ok(path),
        size_bytes: Ok(facts.size),
        age_seconds: Ok(facts.age.as_secs_f64()),
    };
    Ok(found.into_iter().map(|found| row(found).into()).collect())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        time::{Duration, SystemTime},
    };

    use proptest::prelude::*;

    use super::{super::ground::tests::machine, *};

    /// A certificate made for this test, valid until 2100; nobody has its key any more.
    const CERTIFICATE: &str = include_str!("k3s_files/certificate.pem");
    const NOT_AFTER: f64 = 4128247777.0;

    #[test]
    fn certificates_are_named_and_dated() {
        let tls = "/var/lib/rancher/k3s/server/tls";
        let (_folder, ground) = machine(&[
            (&format!("{tls}/client-admin.crt"), CERTIFICATE),
            (&format!("{tls}/client-admin.key"), "a secret"),
            (&format!("{tls}/etcd/server-client.crt"), CERTIFICATE),
            ("/var/lib/rancher/k3s/agent/client-kubelet.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n"),
        ]);
        let rows = read(&ground).0.unwrap();
        let names: Vec<&str> = rows.iter().filter_map(|row| row.name.as_deref()).collect();
        assert_eq!(names, ["client-admin", "etcd server-client", "client-kubelet"]);
        assert!(rows[0].seconds_left.unwrap() > 0.0);
        assert!(rows[2].seconds_left.is_none() && rows[2].unknown.contains_key("secondsLeft"));
        assert_eq!(seconds_left("x", CERTIFICATE.as_bytes(), 0), Ok(NOT_AFTER));
        assert!(!serde_json::to_string(&rows).unwrap().contains("secret"));
    }

    #[test]
    fn snapshots_are_the_newest_of_the_folder_that_k3s_uses() {
        let (_folder, ground) =
            machine(&[(CONFIG, "token: abc\ndata-dir: /mnt/k3s/\n"), ("/mnt/k3s/server/db/snapshots/.part", "x")]);
        for number in 0..70_u64 {
            let file = File::create(ground.place(&format!("/mnt/k3s/server/db/snapshots/s{number}"))).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(1000 - number)).unwrap();
        }
        let (certificates, snapshots) = read(&ground);
        assert_eq!(certificates, Ok(Vec::new()));
        let snapshots = snapshots.unwrap();
        assert_eq!(snapshots.len(), MOST);
        assert_eq!(snapshots[0].path.as_deref(), Some("/mnt/k3s/server/db/snapshots/s69"));
        assert!(snapshots[0].age_seconds.unwrap() >= 930.0);
    }

    #[test]
    fn a_machine_without_k3s_and_a_broken_configuration_say_so() {
        let (_folder, ground) = machine(&[]);
        let (certificates, snapshots) = read(&ground);
        assert_eq!(certificates.unwrap_err().state, ValueState::Absent);
        assert_eq!(snapshots.unwrap_err().state, ValueState::Absent);
        let (_folder, ground) = machine(&[(CONFIG, "token: [secret\n")]);
        let reason = read(&ground).0.unwrap_err();
        assert!(reason.message.contains("not valid YAML") && !reason.message.contains("secret"));
    }

    proptest! {
        #[test]
        fn no_bytes_break_them(bytes: Vec<u8>, text in ".*") {
            let _ = seconds_left("x", &bytes, 0);
            let _ = places(&text);
        }

        #[test]
        fn no_block_breaks_it(bytes: Vec<u8>) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let _ = seconds_left("x", format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").as_bytes(), 0);
        }
    }
}
