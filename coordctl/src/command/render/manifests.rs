//! The files of `packaging/kubernetes`, with the keys of a cluster file filled in.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::declared::Declared;
use crate::failure::Failure;

/// Where the coordinator runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In a pod.
    Inside,
    /// On a machine, with a token.
    Outside,
}

impl Standing {
    /// The folder for `kubectl apply -k` in a tree below `top`.
    pub(super) fn folder(self, top: &Path) -> PathBuf {
        match self {
            Self::Inside => top.to_owned(),
            Self::Outside => top.join("outside"),
        }
    }

    fn needs(self, path: &str) -> bool {
        let only_inside = path == "kustomization.yaml" || path.starts_with("base/");
        match self {
            Self::Inside => !path.starts_with("outside/"),
            Self::Outside => !only_inside,
        }
    }
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    /// Below the top of the tree.
    pub(super) path: &'static str,
    pub(super) text: String,
}

macro_rules! packaged {
    ($($path:literal),* $(,)?) => { [$(($path, include_str!(concat!("../../../../packaging/kubernetes/", $path)))),*] };
}

/// In the order in which they must be applied.
const FILES: [(&str, &str); 20] = packaged![
    "kustomization.yaml",
    "account/kustomization.yaml",
    "account/namespace.yaml",
    "account/crd.yaml",
    "account/service-account.yaml",
    "components/labels/kustomization.yaml",
    "components/labels/cluster-role.yaml",
    "components/labels/cluster-role-binding.yaml",
    "components/labels/role.yaml",
    "components/labels/role-binding.yaml",
    "components/labels/policy.yaml",
    "components/labels/policy-binding.yaml",
    "outside/kustomization.yaml",
    "outside/token.yaml",
    "base/kustomization.yaml",
    "base/storage.yaml",
    "base/configuration.yaml",
    "base/service.yaml",
    "base/network-policy.yaml",
    "base/deployment.yaml",
];

/// All files of this way to run it.
///
/// # Errors
/// When a file that ships cannot be filled in.
pub(super) fn all(standing: Standing, declared: &Declared) -> Result<Vec<Manifest>, Failure> {
    let wanted = FILES.iter().filter(|(path, _)| standing.needs(path));
    wanted.map(|(path, text)| Ok(Manifest { path, text: filled(path, text, declared)? })).collect()
}

/// One stream for `kubectl apply -f -`. Without a cluster file the example one is left out: it would replace a real one.
pub(super) fn stream(manifests: &[Manifest], has_file: bool) -> String {
    let objects = manifests.iter().filter(|one| !one.path.ends_with("kustomization.yaml"));
    let objects = objects.filter(|one| has_file || one.path != CONFIGURATION);
    objects.map(|one| format!("---\n{}", one.text)).collect()
}

const CONFIGURATION: &str = "base/configuration.yaml";
const POLICY: &str = "components/labels/policy.yaml";

fn filled(path: &str, text: &str, declared: &Declared) -> Result<String, Failure> {
    match (path, &declared.text) {
        (POLICY, _) => {
            let mut policy = parsed(path, text)?;
            set_variable(&mut policy, "labelKeys", &declared.label_keys());
            set_variable(&mut policy, "taintKeys", &declared.taint_keys());
            yaml(&policy)
        }
        (CONFIGURATION, Some(file)) => {
            let mut configuration = parsed(path, text)?;
            configuration["data"]["cluster.yaml"] = Value::String(file.clone());
            yaml(&configuration)
        }
        _ => Ok(text.to_owned()),
    }
}

fn parsed(path: &str, text: &str) -> Result<Value, Failure> {
    serde_saphyr::from_str(text).map_err(|error| Failure::new(format_args!("cannot fill in {path}")).because(&error))
}

/// Gives a variable of the policy a list of texts. Keys are checked: JSON's quotes are CEL's.
fn set_variable(policy: &mut Value, name: &str, keys: &BTreeSet<&str>) {
    let variables = policy["spec"]["variables"].as_array_mut().into_iter().flatten();
    for variable in variables.filter(|variable| variable["name"] == name) {
        variable["expression"] = Value::String(serde_json::json!(keys).to_string());
    }
}

/// As YAML.
///
/// # Errors
/// When it cannot be written as that.
pub(super) fn yaml(value: &Value) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(|error| Failure::new("cannot write the manifest").because(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::render::{crd, declared::tests::example};

    #[test]
    fn the_packaged_definition_is_the_one_of_this_version() {
        let packaged = FILES.iter().find(|(path, _)| *path == "account/crd.yaml").unwrap().1;
        let made = yaml(&crd::definition()).unwrap();
        assert_eq!(packaged, made, "write it again: coordctl render crd > packaging/kubernetes/account/crd.yaml");
    }

    #[test]
    fn the_policy_knows_the_keys_of_the_file() {
        let manifests = all(Standing::Inside, &example()).unwrap();
        let policy = &manifests.iter().find(|one| one.path == POLICY).unwrap().text;
        let policy: Value = serde_saphyr::from_str(policy).unwrap();
        let variables = &policy["spec"]["variables"];
        assert_eq!(variables[0]["name"], "labelKeys");
        assert!(variables[0]["expression"].as_str().unwrap().contains("\"zigbee\""));
        assert_eq!(variables[1]["expression"], r#"["gpu","node-role.kubernetes.io/control-plane"]"#);
    }

    #[test]
    fn the_configuration_holds_the_file_word_for_word() {
        let declared = example();
        let manifests = all(Standing::Inside, &declared).unwrap();
        let text = &manifests.iter().find(|one| one.path == CONFIGURATION).unwrap().text;
        let value: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(value["data"]["cluster.yaml"].as_str(), declared.text.as_deref());
        assert!(value["data"]["coordinator.yaml"].as_str().unwrap().contains("http: 0.0.0.0:7444"));
    }

    #[test]
    fn nothing_runs_in_the_cluster_where_the_coordinator_is_outside() {
        let text = stream(&all(Standing::Outside, &example()).unwrap(), true);
        assert!(!text.contains("Deployment") && text.contains("kubernetes.io/service-account-token"));
        let text = stream(&all(Standing::Inside, &example()).unwrap(), false);
        assert!(text.contains("Deployment") && !text.contains("kind: ConfigMap"));
    }
}
