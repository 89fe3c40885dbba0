//! Lane `docker`: the engine's version and the declared containers, over its socket (docs.docker.com, Engine API).
//!
//! Only reading calls are made, and of what a container's inspection says three words are kept: the rest holds
//! environment variables and mounts.

use std::time::{Duration, Instant};

use coord_model::{
    Reading, Unknown, ValueState,
    section::{DockerContainer, DockerContainerReading},
};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{net::UnixStream, time::timeout_at};

use super::ground::Ground;

/// The usual path, and where it really lies on a machine without the link /var/run.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/docker.sock"];
/// The newest version of the API that this was written for. An engine that only speaks newer ones is asked in its
/// oldest.
const NEWEST: Version = Version(1, 51);
/// The most that one answer may be.
const LARGEST: usize = 1 << 20;
/// The most containers that are asked for.
const MOST: usize = 64;

/// The engine's version, the containers of the request in its order.
pub(super) type Engine = (Reading<String>, Reading<Vec<DockerContainer>>);

/// Asks the engine until `end`.
pub(super) fn ask(ground: &Ground, names: &[String], end: Instant) -> Engine {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let conversation = match runtime {
        Ok(runtime) => runtime.block_on(conversation(ground, names, end)),
        Err(error) => Err(Unknown::error(format!("cannot talk to Docker: {error}"))),
    };
    match conversation {
        Ok((version, containers)) => (Ok(version), Ok(containers)),
        Err(reason) => (Err(reason.clone()), Err(reason)),
    }
}

/// A version of the API: major, minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }

    /// The newest that both know, else the oldest of the engine.
    fn agreed(engine: &EngineVersion) -> Option<Self> {
        let oldest = Self::parse(&engine.min_api_version).unwrap_or(Self(1, 24));
        Some(Self::parse(&engine.api_version)?.min(NEWEST).max(oldest))
    }
}

/// `GET /version`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EngineVersion {
    version: String,
    #[serde(rename = "ApiVersion")]
    api_version: String,
    #[serde(rename = "MinAPIVersion")]
    min_api_version: String,
}

/// `GET /containers/NAME/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspection {
    state: State,
    config: Config,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: String,
    #[serde(default)]
    health: Option<Health>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    image: String,
}

async fn conversation(ground: &Ground, names: &[String], end: Instant) -> Reading<(String, Vec<DockerContainer>)> {
    let mut line = Line::open(ground, end).await?;
    let (_, engine): (_, Option<EngineVersion>) = line.get("/version").await?;
    let engine = engine.ok_or_else(|| Unknown::error("Docker does not tell its version"))?;
    let agreed = Version::agreed(&engine).ok_or_else(|| Unknown::error("Docker names no version of its API"))?;
    let mut containers = Vec::new();
    for name in names.iter().take(MOST) {
        containers.push(container(&mut line, agreed, name).await);
    }
    Ok((coord_model::clean(&engine.version), containers))
}

/// One container; what is wrong with it is in its row.
async fn container(line: &mut Line, Version(major, minor): Version, name: &str) -> DockerContainer {
    let told = if is_name(name) {
        line.get(&format!("/v{major}.{minor}/containers/{name}/json")).await.and_then(|(status, told)| match told {
            Some(told) => Ok(told),
            None if status == StatusCode::NOT_FOUND => Err(Unknown::absent("there is no such container")),
            None => Err(Unknown::error(format!("Docker answered {status}"))),
        })
    } else {
        Err(Unknown::error("no container can have this name"))
    };
    row(name, told)
}

fn row(name: &str, told: Reading<Inspection>) -> DockerContainer {
    let word = |pick: fn(&Inspection) -> &String| {
        told.as_ref().map_err(Clone::clone).map(|told| coord_model::clean(pick(told)))
    };
    let health = told.as_ref().map_err(Clone::clone).and_then(|told| match &told.state.health {
        Some(health) => Ok(coord_model::clean(&health.status)),
        None => Err(Unknown::absent("it has no health check")),
    });
    DockerContainerReading {
        name: Ok(coord_model::clean(name)),
        image: word(|told| &told.config.image),
        state: word(|told| &told.state.status),
        health,
    }
    .into()
}

/// Whether Docker would take `text` as a name: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
fn is_name(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (2..=128).contains(&text.len()) && text.bytes().all(inside) && text.as_bytes()[0].is_ascii_alphanumeric()
}

/// A connection to the engine that ends in time.
struct Line {
    sender: SendRequest<Empty<Bytes>>,
    end: tokio::time::Instant,
}

impl Line {
    async fn open(ground: &Ground, end: Instant) -> Reading<Self> {
        let end = tokio::time::Instant::from_std(end);
        let stream = timeout_at(end, connect(ground)).await.map_err(|_| late())??;
        let (sender, connection) =
            timeout_at(end, handshake(TokioIo::new(stream))).await.map_err(|_| late())?.map_err(failed)?;
        // It ends with the runtime, or when the engine hangs up; either way the sender says so.
        drop(tokio::spawn(connection));
        Ok(Self { sender, end })
    }

    /// The status of one call, and its answer where the status says that it is one.
    async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Reading<(StatusCode, Option<T>)> {
        timeout_at(self.end, self.exchange(path)).await.map_err(|_| late())?
    }

    async fn exchange<T: DeserializeOwned>(&mut self, path: &str) -> Reading<(StatusCode, Option<T>)> {
        let request = Request::get(path).header("host", "docker").body(Empty::new());
        self.sender.ready().await.map_err(failed)?;
        let answer = self.sender.send_request(request.map_err(failed)?).await.map_err(failed)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(failed)?.to_bytes();
        if !status.is_success() {
            return Ok((status, None));
        }
        // The parser's own message may quote the answer.
        let told = serde_json::from_slice(&body).map_err(|_| Unknown::error("Docker made no sense"))?;
        Ok((status, Some(told)))
    }
}

async fn connect(ground: &Ground) -> Reading<UnixStream> {
    for path in SOCKETS {
        match UnixStream::connect(ground.place(path)).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                return Err(Unknown::absent("the Docker engine does not run"));
            }
            Err(error) => return Err(Unknown::error(format!("{path}: {error}"))),
        }
    }
    Err(Unknown::absent("the Docker engine's socket is not there"))
}

fn late() -> Unknown {
    Unknown::new(ValueState::Timeout, "Docker did not answer in time")
}

fn failed(error: impl std::fmt::Display) -> Unknown {
    Unknown::error(format!("Docker: {error}"))
}

/// How much earlier than the lane this ends, so that what was learned so far is told.
pub(super) const EARLIER: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
