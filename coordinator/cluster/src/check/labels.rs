//! Labels and taints by Kubernetes' own rules (Labels and Selectors; apimachinery's validation).

use std::collections::BTreeMap;

use coord_planner::{Taint, TaintEffect};

use super::Findings;

/// The longest name or value.
const LONGEST: usize = 63;
/// The longest prefix of a key.
const LONGEST_PREFIX: usize = 253;

/// Keys that follow from the declared topology and cannot be set beside it.
const TOPOLOGY: [&str; 3] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region", "kubernetes.io/hostname"];

/// Why `value` cannot be a label's value; empty ones can.
pub(super) fn wrong_value(value: &str) -> Option<String> {
    if value.is_empty() { None } else { wrong_word(value) }
}

fn wrong_word(word: &str) -> Option<String> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = word.bytes().next().zip(word.bytes().last());
    match ends {
        None => Some("it is empty".into()),
        Some(_) if word.len() > LONGEST => Some(format!("it is longer than {LONGEST} characters")),
        Some(_) if !word.bytes().all(inner) => Some("letters, digits, - _ and . are allowed".into()),
        Some((first, last)) if !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() => {
            Some("it begins and ends with a letter or a digit".into())
        }
        Some(_) => None,
    }
}

/// Why `name` cannot be a node's name: a DNS label in small letters.
pub(super) fn wrong_name(name: &str) -> Option<String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match () {
        () if name.is_empty() => Some("it is empty".into()),
        () if name.len() > LONGEST => Some(format!("it is longer than {LONGEST} characters")),
        () if !name.bytes().all(inner) => Some("small letters, digits and - are allowed".into()),
        () if name.starts_with('-') || name.ends_with('-') => Some("it begins or ends with -".into()),
        () => None,
    }
}

/// Why `key` cannot be a label's key.
fn wrong_key(key: &str) -> Option<String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(prefix) = prefix
        && (prefix.is_empty()
            || prefix.len() > LONGEST_PREFIX
            || prefix.split('.').any(|part| wrong_name(part).is_some()))
    {
        return Some(format!("its prefix {prefix:?} is no domain name"));
    }
    wrong_word(name)
}

/// Checks the labels at `path`.
pub(super) fn labels<'l>(
    labels: impl IntoIterator<Item = (&'l String, Option<&'l String>)>,
    path: &[&str],
    findings: &mut Findings<'_>,
) {
    for (key, value) in labels {
        let place: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
        if let Some(why) = wrong_key(key) {
            findings.error(findings.key(&place), format!("{key:?} cannot be a label: {why}"));
        }
        if TOPOLOGY.contains(&key.as_str()) || key.starts_with("coord.homelab/") {
            let hint = "zones, regions and names are declared by `zone`, `region` and the node's name";
            findings.hinted(findings.key(&place), format!("the label {key} belongs to Coord"), hint);
        }
        if let Some(why) = value.and_then(|value| wrong_value(value)) {
            let value = value.map_or("", String::as_str);
            findings.error(findings.at(&place), format!("{value:?} cannot be the value of {key}: {why}"));
        }
    }
}

/// The labels of a node: its own, and the defaults that are left; `null` takes a default away.
pub(super) fn split(
    defaults: Option<&BTreeMap<String, String>>,
    own: &BTreeMap<String, Option<String>>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut left = defaults.cloned().unwrap_or_default();
    left.retain(|key, _| !own.contains_key(key));
    let set = own.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    (set.collect(), left)
}

/// `key=value:effect` or `key:effect`.
pub(super) fn taint(text: &str) -> Result<Taint, String> {
    let (left, effect) = text.rsplit_once(':').ok_or("a taint is key=value:effect")?;
    let effect = match effect {
        "NoSchedule" => TaintEffect::NoSchedule,
        "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
        "NoExecute" => TaintEffect::NoExecute,
        other => return Err(format!("{other:?} is no effect; there are NoSchedule, PreferNoSchedule and NoExecute")),
    };
    let (key, value) = left.split_once('=').unwrap_or((left, ""));
    match wrong_key(key).or_else(|| wrong_value(value)) {
        Some(why) => Err(format!("{left:?} cannot be a taint: {why}")),
        None => Ok(Taint { key: key.into(), value: value.into(), effect }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_follow_kubernetes() {
        for good in ["gpu", "node.kubernetes.io/instance-type", "a.b/c_d.e", "9"] {
            assert_eq!(wrong_key(good), None, "{good}");
        }
        for bad in ["", "/x", "x/", "-x", "a b", "Upper.Case/x", &"x".repeat(64)] {
            assert!(wrong_key(bad).is_some(), "{bad}");
        }
        assert_eq!((wrong_value(""), wrong_value("true")), (None, None));
        assert!(wrong_value("a/b").is_some());
        assert!(wrong_name("K3s").is_some() && wrong_name("k3s-w1").is_none());
    }

    #[test]
    fn taints_are_read() {
        assert_eq!(taint("gpu=true:NoSchedule").unwrap().to_string(), "gpu=true:NoSchedule");
        assert_eq!(taint("node-role.kubernetes.io/control-plane:NoSchedule").unwrap().value, "");
        for bad in ["gpu", "gpu=true:Never", ":NoSchedule", "a b:NoSchedule"] {
            assert!(taint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn null_takes_a_default_away() {
        let pair = |key: &str, value: &str| (key.to_string(), value.to_string());
        let defaults = BTreeMap::from([pair("a", "1"), pair("b", "2"), pair("c", "4")]);
        let own = BTreeMap::from([("a".to_string(), None), ("b".to_string(), Some("3".to_string()))]);
        assert_eq!(split(Some(&defaults), &own), (BTreeMap::from([pair("b", "3")]), BTreeMap::from([pair("c", "4")])));
    }
}
