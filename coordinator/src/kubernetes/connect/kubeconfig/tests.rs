//! What is wrong with a kubeconfig is said in one line, with its place and without its secrets.

use super::*;

const SECRET: &str = "PLANTED-SECRET";

const BASE: &str = "apiVersion: v1
kind: Config
current-context: home
clusters: [{name: home, cluster: {server: \"https://api:6443\"}}]
contexts: [{name: home, context: {cluster: home, user: me}}]
users:
- name: me
  user:
";

/// What is said of a kubeconfig whose user is this.
async fn said(user: &str) -> String {
    told(&format!("{BASE}{user}")).await
}

async fn told(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    let failure = match read(&path).await {
        Err(failure) => failure,
        Ok(config) => no_client(&kube::Client::try_from(config).map(drop).unwrap_err()),
    };
    let said = failure.why.replace(&path.display().to_string(), "FILE");
    assert!(!said.contains(SECRET) && !said.contains('\n'), "{said}");
    assert!(!format!("{failure:?}").contains(SECRET));
    said
}

#[tokio::test]
async fn nothing_of_a_broken_kubeconfig_is_repeated() {
    let place = "the kubeconfig FILE cannot be used: line ";
    for user in [
        format!("    token:\n  {SECRET}\n   x: {SECRET}\n"),
        format!("    token: \"{SECRET}\n"),
        format!("    token: [{SECRET}]\n"),
        format!("    token: {SECRET}\n    token: {SECRET}2\n"),
        format!("    token: *{SECRET}\n"),
    ] {
        let said = said(&user).await;
        assert!(said.starts_with(place) && said.ends_with("is not what it has to be"), "{user}: {said}");
    }
    let flat = BASE.replace("  user:\n", &format!("  user: {SECRET}\n"));
    assert_eq!(told(&flat).await, format!("{place}8, column 9 is not what it has to be"));
}

#[tokio::test]
async fn broken_data_is_named_by_its_key_only() {
    let key = format!("    client-certificate-data: eA==\n    client-key-data: \"!{SECRET}!\"\n");
    assert_eq!(said(&key).await, "the kubeconfig cannot be used: its client-key-data is not base64");
    // `-----BEGIN PRIVATE KEY-----SECRET`: PEM on one line.
    let key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tUExBTlRFRC1TRUNSRVQ=";
    let user = format!("    client-certificate-data: eA==\n    client-key-data: {key}\n");
    assert!(said(&user).await.starts_with("the kubeconfig cannot be used: its certificates"));
    let token = format!("    token: \"{SECRET}\\n2\"\n");
    assert_eq!(said(&token).await, "the kubeconfig FILE cannot be used: its token has characters that no token has");
    let proxy = BASE.replace("6443\"}", &format!("6443\", proxy-url: \"ftp://me:{SECRET}@x\"}}"));
    told(&format!("{proxy}    token: x\n")).await;
}
