//! Users of a control plane who may do less than everything, each with a kubeconfig of its own.

use std::path::PathBuf;

use super::ControlPlane;

impl ControlPlane {
    /// A user with a certificate, in these groups, without any right of its own.
    #[must_use]
    pub fn user(&self, name: &str, groups: &[&str]) -> PathBuf {
        self.certificates.kubeconfig(&self.url(), name, groups)
    }

    /// A service account in `namespace`, which is made if it is not there, with a real token that lives an hour.
    #[must_use]
    pub fn service_account(&self, namespace: &str, name: &str) -> PathBuf {
        self.apply(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}\n---\n\
             {{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: {namespace}}}}}\n"
        ));
        self.token_kubeconfig(namespace, name)
    }

    /// A kubeconfig with a fresh token of a service account that is there.
    #[must_use]
    pub fn token_kubeconfig(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.told(&["create", "token", name, "--namespace", namespace, "--duration=1h"]);
        self.certificates.kubeconfig_with_token(&self.url(), name, token.trim())
    }

    /// Gives a user or group these rights everywhere; `rules` is the YAML list of a `ClusterRole`, on one line.
    /// `subject` is for instance `User/alice` or `ServiceAccount/coord-system:coordinator`.
    pub fn grant(&self, role: &str, subject: &str, rules: &str) {
        let (kind, name) = subject.split_once('/').unwrap_or(("User", subject));
        let subject = match (kind, name.split_once(':')) {
            ("ServiceAccount", Some((namespace, name))) => {
                format!("{{kind: {kind}, name: {name}, namespace: {namespace}}}")
            }
            _ => format!("{{kind: {kind}, name: \"{name}\", apiGroup: rbac.authorization.k8s.io}}"),
        };
        let api = "apiVersion: rbac.authorization.k8s.io/v1";
        self.apply(&format!(
            "{{{api}, kind: ClusterRole, metadata: {{name: {role}}}, rules: {rules}}}\n---\n\
             {{{api}, kind: ClusterRoleBinding, metadata: {{name: {role}}}, subjects: [{subject}], \
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}}}\n"
        ));
    }
}
