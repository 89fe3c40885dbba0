//! Where the programs of a control plane are: a folder that somebody names, or the cache that `make test` fills.

use std::path::{Path, PathBuf};

/// The modules from which they are built; their versions name the folder, as in `tests/kubernetes/build.sh`.
const MODULES: [(&str, &str, &str); 3] = [
    ("kubernetes", "k8s.io/kubernetes", include_str!("../../kubernetes/control-plane/go.mod")),
    ("etcd", "go.etcd.io/etcd/server/v3", include_str!("../../kubernetes/etcd/go.mod")),
    ("kwok", "sigs.k8s.io/kwok", include_str!("../../kubernetes/kwok/go.mod")),
];

/// What every control plane here needs.
const NEEDED: [&str; 3] = ["etcd", "kube-apiserver", "kubectl"];

/// The folder of the programs.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The folder named by `KUBEBUILDER_ASSETS`, or the one that `tests/kubernetes/build.sh` made.
    ///
    /// # Errors
    /// What is missing, in words for a skip.
    pub fn find() -> Result<Self, String> {
        let named = std::env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty());
        let (folder, hint) = match named {
            Some(folder) => (PathBuf::from(folder), "it is named by KUBEBUILDER_ASSETS"),
            None => (built()?, "build it with Go 1.26: tests/kubernetes/build.sh"),
        };
        for name in NEEDED {
            if !folder.join(name).is_file() {
                return Err(format!("no {name} in {}; {hint}", folder.display()));
            }
        }
        Ok(Self { folder })
    }

    /// Where they lie, as `KUBEBUILDER_ASSETS` names it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of them.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The files that tell kwok how nodes and pods live, beside the folder of the programs.
    #[must_use]
    pub fn stages(&self) -> PathBuf {
        self.folder.parent().unwrap_or_else(|| Path::new("/")).join("stages")
    }

    /// Whether nodes and pods can be imitated, which Kubernetes' own binary archives do not bring.
    #[must_use]
    pub fn has_all(&self) -> bool {
        let programs = ["kube-controller-manager", "kube-scheduler", "kwok"];
        programs.iter().all(|name| self.path(name).is_file()) && self.stages().is_dir()
    }
}

/// The folder in the cache, whether it is there or not.
fn built() -> Result<PathBuf, String> {
    let home = std::env::var_os("HOME").ok_or("needs a home folder for the cache")?;
    let versions: Vec<String> =
        MODULES.iter().map(|(name, module, text)| format!("{name}-{}", version(text, module))).collect();
    Ok(Path::new(&home).join(".cache/coord").join(versions.join("-")).join("bin"))
}

/// The version of `module` that a go.mod requires.
fn version<'a>(text: &'a str, module: &str) -> &'a str {
    let words = text.lines().map(|line| line.trim().trim_start_matches("require ").split_whitespace());
    let found = words.filter_map(|mut words| (words.next() == Some(module)).then(|| words.next()).flatten());
    found.into_iter().find(|word| word.starts_with('v')).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_found_in_its_module() {
        for (name, module, text) in MODULES {
            assert!(version(text, module).starts_with('v'), "{name}");
        }
    }
}
