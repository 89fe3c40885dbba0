//! What k3s was told: `/etc/rancher/k3s/config.yaml`, its drop-ins, and the unit's command line.
//!
//! Only four keys are taken up, and of the datastore's address only that there is one: it holds a password.

use coord_model::{Reading, Unknown, ValueState, section::K3sRole};
use serde::{Deserialize, de::IgnoredAny};

use super::{is_server, unit::Unit};
use crate::host::Host;

const FILE: &str = "/etc/rancher/k3s/config.yaml";
const DROP_INS: &str = "/etc/rancher/k3s/config.yaml.d";
const DATABASE: &str = "/var/lib/rancher/k3s/server/db";

/// The keys that Coord asks about, by k3s's own names.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", default)]
struct Keys {
    server: Option<String>,
    cluster_init: Option<bool>,
    #[serde(deserialize_with = "present")]
    datastore_endpoint: bool,
}

/// Whether a key is there, its value thrown away.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// What files and command line say together, or the first file that could not be read.
pub(super) struct Config {
    keys: Keys,
    hidden: Option<Unknown>,
}

/// Reads the files in k3s's order: the main file, then the drop-ins by name, then the command line.
pub(super) fn read(host: &Host, unit: &Unit) -> Config {
    let mut config = Config { keys: Keys::default(), hidden: None };
    config.merge(host.text(FILE).and_then(|text| parse(FILE, &text)));
    match host.list(DROP_INS) {
        Ok(names) => {
            for name in names.iter().filter(|name| name.ends_with(".yaml")) {
                let path = format!("{DROP_INS}/{name}");
                config.merge(host.text(&path).and_then(|text| parse(&path, &text)));
            }
        }
        Err(reason) => config.merge(Err(reason)),
    }
    config.merge(Ok(from_arguments(&unit.arguments)));
    config
}

fn parse(path: &str, text: &str) -> Reading<Keys> {
    if text.trim().is_empty() {
        return Ok(Keys::default());
    }
    // The parser's own message may quote the file, which holds the token.
    serde_saphyr::from_str(text).map_err(|_| Unknown::error(format!("{path} is not valid YAML")))
}

/// `--server URL`, `--server=URL`, `-s URL` and the two flags that say which datastore.
fn from_arguments(arguments: &[String]) -> Keys {
    let mut keys = Keys::default();
    for (index, argument) in arguments.iter().enumerate() {
        let (name, value) =
            argument.split_once('=').map_or((argument.as_str(), None), |(name, value)| (name, Some(value)));
        match name {
            "--server" | "-s" => keys.server = value.or(arguments.get(index + 1).map(String::as_str)).map(Into::into),
            "--cluster-init" => keys.cluster_init = Some(value != Some("false")),
            "--datastore-endpoint" => keys.datastore_endpoint = true,
            _ => {}
        }
    }
    keys
}

impl Config {
    fn merge(&mut self, keys: Reading<Keys>) {
        match keys {
            Ok(keys) => {
                self.keys.server = keys.server.or(self.keys.server.take());
                self.keys.cluster_init = keys.cluster_init.or(self.keys.cluster_init);
                self.keys.datastore_endpoint |= keys.datastore_endpoint;
            }
            Err(reason) if reason.state == ValueState::Absent => {}
            Err(reason) => self.hidden = Some(reason),
        }
    }

    /// etcd, sqlite or external; an etcd that answers needs no file.
    pub(super) fn datastore(&self, host: &Host, role: K3sRole, etcd: &Reading<bool>) -> Reading<String> {
        if !is_server(role) {
            return Err(Unknown::not_applicable("an agent has no datastore"));
        }
        if self.keys.datastore_endpoint {
            return Ok("external".into());
        }
        if self.keys.cluster_init == Some(true) || self.keys.server.is_some() || etcd.is_ok() {
            return Ok("etcd".into());
        }
        let names = host.list(DATABASE).map_err(|reason| self.hidden.clone().unwrap_or(reason))?;
        from_folder(&names)
    }

    /// The server that this node joined through, or was told to.
    pub(super) fn server_url(&self, host: &Host, unit: &Unit) -> Reading<String> {
        if let Some(server) = &self.keys.server {
            return Ok(without_credentials(server));
        }
        if let Some(reason) = &self.hidden {
            return Err(reason.clone());
        }
        let path = format!("/etc/systemd/system/{}.env", unit.name);
        match host.text(&path) {
            Ok(text) => {
                parse_environment(&text).ok_or_else(|| Unknown::absent("no server is named: it started the cluster"))
            }
            Err(reason) if reason.state == ValueState::Absent => Err(Unknown::absent("no server is named")),
            Err(reason) => Err(reason),
        }
    }
}

fn from_folder(names: &[String]) -> Reading<String> {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    match (has("etcd"), has("state.db")) {
        (true, _) => Ok("etcd".into()),
        (false, true) => Ok("sqlite".into()),
        (false, false) => Err(Unknown::absent(format!("{DATABASE} holds neither etcd nor state.db"))),
    }
}

/// The value of K3S_URL; nothing else of that file is looked at.
fn parse_environment(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("K3S_URL="))?;
    Some(without_credentials(value.trim_matches(['\'', '"']))).filter(|value| !value.is_empty())
}

/// A URL may carry `user:password@`, and a report may not.
fn without_credentials(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_string(),
        (_, None) => address.to_string(),
    }
}

/// `ServerAddresses` of the load balancer's file.
pub(super) fn load_balancer(text: &str) -> Reading<Vec<String>> {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "ServerAddresses")]
        addresses: Vec<String>,
    }
    let file: File =
        serde_json::from_str(text).map_err(|_| Unknown::error("the load balancer's file makes no sense"))?;
    Ok(file.addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_keys_are_taken_up() {
        let text = "token: K10secret\nserver: https://192.168.1.100:6443\ncluster-init: false\ndisable: [traefik]\n";
        let keys = parse(FILE, text).unwrap();
        assert_eq!(keys.server.as_deref(), Some("https://192.168.1.100:6443"));
        assert!(!format!("{keys:?}").contains("secret"));
    }

    #[test]
    fn an_external_datastore_keeps_its_password() {
        let keys = parse(FILE, "datastore-endpoint: mysql://root:secret@tcp(db:3306)/k3s").unwrap();
        assert!(keys.datastore_endpoint && !format!("{keys:?}").contains("secret"));
    }

    #[test]
    fn a_broken_file_never_shows_its_text() {
        for text in ["token: [K10secret", "- K10secret", "server: {a: K10secret}", "\u{1}\u{2}", "K10secret"] {
            let reason = parse(FILE, text).unwrap_err();
            assert!(!reason.message.contains("K10secret"), "{}", reason.message);
        }
        assert_eq!(parse(FILE, ""), Ok(Keys::default()));
    }

    #[test]
    fn flags_are_read_in_both_spellings() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        assert_eq!(from_arguments(&words("--server https://a:6443")).server.as_deref(), Some("https://a:6443"));
        assert_eq!(from_arguments(&words("--server=https://b:6443")).server.as_deref(), Some("https://b:6443"));
        assert_eq!(from_arguments(&words("--cluster-init --server")).cluster_init, Some(true));
        assert_eq!(from_arguments(&words("--cluster-init=false")).cluster_init, Some(false));
    }

    #[test]
    fn the_environment_gives_its_address_and_not_its_token() {
        let text = "K3S_TOKEN='K10secret'\nK3S_URL='https://user:secret@192.168.1.100:6443'\n";
        assert_eq!(parse_environment(text).as_deref(), Some("https://192.168.1.100:6443"));
        assert_eq!(parse_environment("K3S_TOKEN=x"), None);
    }

    #[test]
    fn the_folder_says_which_database() {
        assert_eq!(from_folder(&["etcd".into()]), Ok("etcd".into()));
        assert_eq!(from_folder(&["state.db".into()]), Ok("sqlite".into()));
        assert!(from_folder(&[]).is_err());
    }

    #[test]
    fn a_broken_load_balancer_is_an_error() {
        assert_eq!(load_balancer(r#"{"ServerURL":"x","ServerAddresses":["a:6443"]}"#), Ok(vec!["a:6443".into()]));
        for text in ["", "{", "[]", r#"{"ServerAddresses":7}"#] {
            assert!(load_balancer(text).is_err(), "{text:?}");
        }
    }
}
