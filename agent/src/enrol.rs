//! Getting an identity with a token: the key is on disk before the secret leaves this machine, so that a lost reply
//! can be asked for again with the same key.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use coord_proto::{
    client::{self, ClientError},
    identity::{Identity, IdentityError},
    random_number,
    refused::Refused,
    token::{Token, TokenError},
};
use tokio::time::sleep;
use tonic::Code;

use crate::{
    backoff::{Backoff, DEFAULT_CAP},
    session::Introduction,
    settings::Settings,
};

/// A token is a few hundred characters; more is something else.
const LONGEST_TOKEN: u64 = 16 * 1024;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrolFailure {
    /// The token file cannot be read.
    #[error("cannot read the token from {}", path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was read is not a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An operator's token cannot make a node.
    #[error(
        "this token is for an operator, not for a machine\nhint: make one on the coordinator with: coordctl token create --node NAME"
    )]
    Operator,
    /// The key cannot be made or stored.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The folder for the identity cannot be made.
    #[error("cannot make {}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The coordinator refused.
    #[error("{}", told(.refused))]
    Refused {
        /// What it said.
        refused: Refused,
        /// Whether trying again later can help.
        passes: bool,
    },
    /// Nobody answered.
    #[error(transparent)]
    Client(ClientError),
}

/// A refusal as people read it: what, why, what to type.
fn told(refused: &Refused) -> String {
    let mut text = refused.what.clone();
    if !refused.cause.is_empty() {
        text.push_str(&format!("\n  caused by: {}", refused.cause));
    }
    if !refused.hint.is_empty() {
        text.push_str(&format!("\nhint: {}", refused.hint));
    }
    text
}

impl From<ClientError> for EnrolFailure {
    fn from(error: ClientError) -> Self {
        let ClientError::Refused(status) = error else { return Self::Client(error) };
        let passes = matches!(
            status.code(),
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Unknown
                | Code::Internal
                | Code::Cancelled
                | Code::Aborted
        );
        Self::Refused { refused: Refused::from_status(&status), passes }
    }
}

impl EnrolFailure {
    /// Whether trying again later can help.
    fn passes(&self) -> bool {
        match self {
            Self::Client(ClientError::Connect { .. }) => true,
            Self::Refused { passes, .. } => *passes,
            Self::Client(
                ClientError::NoAddress | ClientError::Refused(_) | ClientError::Identity(_) | ClientError::Tls(_),
            )
            | Self::Read { .. }
            | Self::Token(_)
            | Self::Operator
            | Self::Identity(_)
            | Self::Folder { .. } => false,
        }
    }
}

/// Reads a token from a file, or from standard input for `-`.
pub(crate) fn token_from(path: &Path) -> Result<Token, EnrolFailure> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().take(LONGEST_TOKEN).read_to_string(&mut text),
        _ => fs::File::open(path).and_then(|file| file.take(LONGEST_TOKEN).read_to_string(&mut text)),
    };
    read.map_err(|source| EnrolFailure::Read { path: path.to_owned(), source })?;
    parse(&text)
}

/// A node's token out of text.
pub(crate) fn parse(text: &str) -> Result<Token, EnrolFailure> {
    let token = Token::parse(text)?;
    if token.operator { Err(EnrolFailure::Operator) } else { Ok(token) }
}

/// Shows the token once.
pub(crate) async fn once(
    settings: &Settings,
    token: &Token,
    introduction: &Introduction,
) -> Result<Identity, EnrolFailure> {
    let file = settings.identity_file();
    let folder = &settings.state;
    fs::create_dir_all(folder).map_err(|source| EnrolFailure::Folder { path: folder.clone(), source })?;
    let key = match Identity::load(&file)? {
        Some(identity) => identity,
        None => Identity::generate()?,
    };
    key.save(&file)?;
    let addresses = if settings.coordinators.is_empty() { &token.addresses } else { &settings.coordinators };
    let name = settings.name.clone().unwrap_or_default();
    let identity = client::enrol(&key, token, addresses, &name, introduction.evidence.clone()).await?;
    identity.save(&file)?;
    Ok(identity)
}

/// Shows the token until somebody answers; a refusal that cannot pass ends it.
pub(crate) async fn until_accepted(
    settings: &Settings,
    token: &Token,
    introduction: &Introduction,
) -> Result<Identity, EnrolFailure> {
    let mut backoff = Backoff::default();
    loop {
        match once(settings, token, introduction).await {
            Ok(identity) => {
                tracing::info!(name = identity.name, "enrolled");
                return Ok(identity);
            }
            Err(failure) if failure.passes() => {
                tracing::warn!(error = %failure, "not enrolled yet; trying again");
                sleep(backoff.wait(DEFAULT_CAP, random_number().unwrap_or(u64::MAX)).max(Duration::from_millis(50)))
                    .await;
            }
            Err(failure) => return Err(failure),
        }
    }
}
