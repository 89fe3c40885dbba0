//! The structs against each other: what cannot be obeyed is an error, what looks unwise a warning.

use std::collections::BTreeMap;

use coord_planner::{Consent, Desired, Policy};

use crate::{
    Mistake, Place,
    raw::{self, Cluster},
    shape::nearest,
    tree::Spot,
};

mod kubernetes;
mod labels;
mod mounts;
mod nodes;
pub(crate) mod rules;
mod shape;
mod workers;

/// The mistakes so far, and where everything stands.
pub(crate) struct Findings<'a> {
    tree: &'a Spot,
    mistakes: Vec<Mistake>,
}

impl Findings<'_> {
    /// Where the value at `path`, below `spec`, stands.
    fn at(&self, path: &[&str]) -> Place {
        self.tree.find(["spec"].into_iter().chain(path.iter().copied()))
    }

    /// Where the key that `path` ends with stands.
    fn key(&self, path: &[&str]) -> Place {
        match path.split_last() {
            Some((name, above)) => self.tree.find_key(["spec"].into_iter().chain(above.iter().copied()), name),
            None => self.tree.place(),
        }
    }

    fn error(&mut self, place: Place, message: impl Into<String>) {
        self.mistakes.push(Mistake::error(place, message));
    }

    fn hinted(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(Mistake::error(place, message).hint(hint));
    }

    fn warn(&mut self, place: Place, message: impl Into<String>) {
        self.mistakes.push(Mistake::warning(place, message));
    }

    /// A name that must be one of `known`.
    fn must_be_known<'k>(
        &mut self,
        place: Place,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'k String>,
    ) -> bool {
        let known: Vec<&str> = known.map(String::as_str).collect();
        if known.contains(&name) {
            return true;
        }
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.join(", ")),
        };
        self.hinted(place, format!("there is no {what} `{name}`"), hint);
        false
    }
}

/// Checks the file; what is declared is only to be used without errors.
pub(crate) fn check(cluster: &Cluster, tree: &Spot) -> (Desired, Vec<Mistake>) {
    let spec = &cluster.spec;
    let mut findings = Findings { tree, mistakes: Vec::new() };
    let region = spec.region.clone().unwrap_or_else(|| cluster.metadata.name.clone());
    let zones: BTreeMap<String, String> = spec
        .zones
        .iter()
        .map(|(name, zone)| (name.clone(), zone.region.clone().unwrap_or_else(|| region.clone())))
        .collect();
    names(cluster, &zones, &mut findings);
    let hosts = hosts(spec, &mut findings);
    let nodes = nodes::nodes(spec, &zones, &mut findings);
    let desired = Desired {
        name: cluster.metadata.name.clone(),
        coordinators: spec.coordinator.iter().flat_map(|place| place.addresses.clone()).collect(),
        policy: policy(&spec.policy),
        mounts: mounts::mounts(spec, &mut findings),
        rules: rules::rules(spec, &mut findings),
        virtual_address: kubernetes::kubernetes(spec, &mut findings),
        kubernetes: spec.kubernetes.is_some(),
        worker_sets: workers::workers(spec, &mut findings),
        zones,
        hosts,
        nodes,
    };
    addresses(spec, &mut findings);
    shape::warnings(spec, &desired, &mut findings);
    (desired, findings.mistakes)
}

fn policy(policy: &raw::Policy) -> Policy {
    let consent = |consent: raw::Consent| match consent {
        raw::Consent::Auto => Consent::Auto,
        raw::Consent::Approve => Consent::Approve,
        raw::Consent::Off => Consent::Off,
    };
    Policy { labels: consent(policy.labels), placement: consent(policy.placement), joins: consent(policy.joins) }
}

/// Names become label values and parts of subjects.
fn names(cluster: &Cluster, zones: &BTreeMap<String, String>, findings: &mut Findings<'_>) {
    let spec = &cluster.spec;
    let name = &cluster.metadata.name;
    if let Some(why) = labels::wrong_value(name).or_else(|| name.is_empty().then(|| "it is empty".into())) {
        findings.error(findings.tree.find(["metadata", "name"]), format!("the name {name:?} cannot be used: {why}"));
    }
    for (zone, region) in zones {
        for (what, value, path) in
            [("zone", zone, vec!["zones", zone]), ("region", region, vec!["zones", zone, "region"])]
        {
            if let Some(why) = labels::wrong_value(value) {
                findings.error(findings.key(&path), format!("the {what} {value:?} cannot be a label's value: {why}"));
            }
        }
    }
    let keys = [("nodes", spec.nodes.keys().collect::<Vec<_>>()), ("hosts", spec.hosts.keys().collect())];
    for (section, names) in keys {
        for name in names {
            if let Some(why) = labels::wrong_name(name) {
                findings.error(findings.key(&[section, name]), format!("{name:?} cannot be a name: {why}"));
            }
        }
    }
}

fn hosts(spec: &raw::Spec, findings: &mut Findings<'_>) -> BTreeMap<String, String> {
    for (name, host) in &spec.hosts {
        let place = findings.at(&["hosts", name, "zone"]);
        findings.must_be_known(place, "zone", &host.zone, spec.zones.keys());
    }
    spec.hosts.iter().map(|(name, host)| (name.clone(), host.zone.clone())).collect()
}

/// `HOST:PORT` of the coordinator.
fn addresses(spec: &raw::Spec, findings: &mut Findings<'_>) {
    for (index, address) in spec.coordinator.iter().flat_map(|place| &place.addresses).enumerate() {
        let parsed = address.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if parsed.is_none() {
            let place = findings.at(&["coordinator", "addresses", &index.to_string()]);
            findings.hinted(place, format!("{address:?} is no HOST:PORT"), "for instance 192.168.1.30:7443");
        }
    }
}
