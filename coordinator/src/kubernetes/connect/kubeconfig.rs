//! The kubeconfig: what is wrong with it is said without a word of what stands in it, for that may be a credential.

use std::{io, path::Path};

use kube::{
    Config,
    client::AuthError,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError},
};

use crate::kubernetes::failure::Failure;

const FILE: Option<&str> = Some("try it: kubectl --kubeconfig FILE get nodes");
const MISSING: Option<&str> = Some("copy it there; the coordinator looks again by itself");
const PROGRAM: Option<&str> = Some("use a kubeconfig with a token or a client certificate");

/// The settings of a client, from the file as it is now.
///
/// # Errors
/// Why there are none.
pub(super) async fn read(path: &Path) -> Result<Config, Failure> {
    let shown = path.display();
    let file = path.to_owned();
    // The file's folder may be slow.
    let read = tokio::task::spawn_blocking(move || Kubeconfig::read_from(file)).await;
    let read = read.map_err(|_| Failure::away(format!("the kubeconfig {shown} was not read"), None))?;
    let read = read.map_err(|error| unusable(path, &error))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    let config = config.map_err(|error| unusable(path, &error))?;
    if config.auth_info.exec.is_some() || config.auth_info.auth_provider.is_some() {
        let why =
            format!("the kubeconfig {shown} names a program for its credential, which the coordinator does not run");
        return Err(Failure::away(why, PROGRAM));
    }
    if !is_header(&config.auth_info) {
        let why = format!("the kubeconfig {shown} cannot be used: its token has characters that no token has");
        return Err(Failure::away(why, FILE));
    }
    Ok(config)
}

/// Whether its token can be sent. The client takes that for granted and would panic.
fn is_header(user: &AuthInfo) -> bool {
    // The token shows itself to nobody but a writer of kubeconfigs.
    let written = serde_json::to_value(user).unwrap_or_default();
    written["token"].as_str().is_none_or(|token| token.chars().all(|character| character.is_ascii_graphic()))
}

/// The settings were read, and yet no client can be made of them.
pub(super) fn no_client(error: &kube::Error) -> Failure {
    let what = match error {
        kube::Error::Auth(AuthError::ReadTokenFile(cause, path)) => {
            format!("its token file {} cannot be read: {cause}", path.display())
        }
        kube::Error::InferKubeconfig(error) => what(error),
        kube::Error::Auth(_) => "its token or password cannot be sent".to_owned(),
        kube::Error::RustlsTls(_) => "its certificates or its key are not PEM that belongs together".to_owned(),
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            "the coordinator does not know the protocol of its proxy-url".to_owned()
        }
        _ => "no client can be made of it".to_owned(),
    };
    Failure::away(format!("the kubeconfig cannot be used: {what}"), FILE)
}

fn unusable(path: &Path, error: &KubeconfigError) -> Failure {
    let shown = path.display();
    match error {
        KubeconfigError::ReadConfig(cause, _) if cause.kind() == io::ErrorKind::NotFound => {
            Failure::away(format!("the kubeconfig {shown} does not exist"), MISSING)
        }
        error => Failure::away(format!("the kubeconfig {shown} cannot be used: {}", what(error)), FILE),
    }
}

/// What is wrong. Parsers quote what they could not read: nothing of their words is used.
fn what(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(cause, _) => format!("it cannot be read: {cause}"),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!("line {}, column {} is not what it has to be", place.line(), place.column()),
            None => "it is not YAML of a kubeconfig".to_owned(),
        },
        KubeconfigError::CurrentContextNotSet => "it has no current-context".to_owned(),
        KubeconfigError::LoadContext(_) => "it has no context of the name of its current-context".to_owned(),
        KubeconfigError::LoadClusterOfContext(_) => "it has no cluster of the name that its context gives".to_owned(),
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            "the server of its cluster is not a URL".to_owned()
        }
        KubeconfigError::ParseProxyUrl(_) => "its proxy-url is not a URL".to_owned(),
        KubeconfigError::LoadCertificateAuthority(cause) => data("certificate-authority", cause),
        KubeconfigError::LoadClientCertificate(cause) => data("client-certificate", cause),
        KubeconfigError::LoadClientKey(cause) => data("client-key", cause),
        KubeconfigError::ParseCertificates(_) => "its certificate-authority is not PEM".to_owned(),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "its documents do not belong together".to_owned()
        }
        KubeconfigError::FindPath => "it is not complete".to_owned(),
    }
}

fn data(name: &str, cause: &LoadDataError) -> String {
    match cause {
        LoadDataError::DecodeBase64(_) => format!("its {name}-data is not base64"),
        LoadDataError::ReadFile(cause, path) => {
            format!("its {name} {} cannot be read: {}", path.display(), cause.kind())
        }
        LoadDataError::NoBase64DataOrFile => format!("it has no {name}"),
    }
}

#[cfg(test)]
mod tests;
