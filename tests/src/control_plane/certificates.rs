//! Who is who in a control plane of the laboratory: an authority, the API server, its users and the key of tokens.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};

/// The authority, and the folder in which everything lies.
#[derive(Debug)]
pub(super) struct Certificates {
    folder: PathBuf,
    authority: Issuer<'static, KeyPair>,
    authority_pem: String,
}

/// What a certificate is for.
enum Purpose<'a> {
    /// To be recognised at these names and addresses.
    Server(&'a [&'a str]),
    /// To be this user, in these groups.
    User(&'a str, &'a [&'a str]),
}

impl Certificates {
    /// Makes the authority, the server's certificate for loopback and the key of service accounts.
    pub(super) fn make(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "laboratory");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_pem = parameters.self_signed(&key).unwrap().pem();
        private(&folder.join("ca.crt"), &authority_pem);
        private(&folder.join("ca.key"), &key.serialize_pem());
        let made = Self { folder: folder.to_owned(), authority: Issuer::new(parameters, key), authority_pem };
        let (certificate, key) = made.sign(&Purpose::Server(&["127.0.0.1", "localhost", "kubernetes.default.svc"]));
        private(&folder.join("server.crt"), &certificate);
        private(&folder.join("server.key"), &key);
        let accounts = KeyPair::generate().unwrap();
        private(&folder.join("accounts.key"), &accounts.serialize_pem());
        private(&folder.join("accounts.pub"), &accounts.public_key_pem());
        made
    }

    fn sign(&self, purpose: &Purpose<'_>) -> (String, String) {
        let mut parameters = CertificateParams::default();
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        match purpose {
            Purpose::Server(names) => {
                let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                parameters.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
                parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
                parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
            }
            Purpose::User(name, groups) => {
                parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                parameters.distinguished_name.push(DnType::CommonName, *name);
                for group in *groups {
                    parameters.distinguished_name.push(DnType::OrganizationName, *group);
                }
            }
        }
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.authority).unwrap().pem(), key.serialize_pem())
    }

    /// A kubeconfig file that only its owner may read, for a user who shows a certificate.
    pub(super) fn kubeconfig(&self, server: &str, user: &str, groups: &[&str]) -> PathBuf {
        let (certificate, key) = self.sign(&Purpose::User(user, groups));
        let shown = json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        });
        self.write(server, user, &shown)
    }

    /// The same for a user who shows a token.
    pub(super) fn kubeconfig_with_token(&self, server: &str, user: &str, token: &str) -> PathBuf {
        self.write(server, user, &json!({"token": token}))
    }

    fn write(&self, server: &str, user: &str, shown: &Value) -> PathBuf {
        let authority = STANDARD.encode(&self.authority_pem);
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": user, "user": shown}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        });
        let path = self.folder.join(format!("{}.kubeconfig", user.replace([':', '/'], "-")));
        private(&path, &config.to_string());
        path
    }
}

/// Writes a file that only its owner may read.
fn private(path: &Path, text: &str) {
    // A second one for the same user replaces the first.
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
