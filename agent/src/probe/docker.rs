//! Whether a Docker engine is here. Its version and containers take rights that an agent has not.

use coord_model::{
    Reading, Section, Unknown, ValueState,
    section::{Docker, DockerContainer, DockerContainerReading, DockerReading},
};

use super::Briefing;
use crate::host::Host;

/// The usual path, and where it really lies on a machine without the link /var/run.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/docker.sock"];
/// The engine's binary: Debian, and what Docker's own archives and Unraid use.
const ENGINES: [&str; 3] = ["/usr/bin/dockerd", "/usr/local/bin/dockerd", "/usr/sbin/dockerd"];

/// Connects to the engine's socket and hangs up.
pub(crate) fn probe(host: &Host, briefing: &Briefing) -> Section<Docker> {
    let (socket, connects) = connect(host);
    let engine = ENGINES.iter().any(|path| host.exists(path));
    let reading = judge(host, socket, connects, engine, &briefing.expect.containers);
    Section::read("/var/run/docker.sock", reading.into())
}

/// The first socket that is there, and what became of the connection.
fn connect(host: &Host) -> (&'static str, Reading<bool>) {
    let [usual, other] = SOCKETS;
    match host.connects(usual) {
        Err(reason) if reason.state == ValueState::Absent => (other, host.connects(other)),
        answer => (usual, answer),
    }
}

fn judge(host: &Host, socket: &str, connects: Reading<bool>, engine: bool, expected: &[String]) -> DockerReading {
    let there = !matches!(&connects, Err(reason) if reason.state == ValueState::Absent);
    if !there && !engine {
        return nowhere(expected);
    }
    DockerReading {
        present: Ok(true),
        running: if there { connects } else { Ok(false) },
        socket: if there { Ok(socket.into()) } else { Err(Unknown::absent("the engine's socket is not there")) },
        version: host.root_fact(|answers| &answers.docker_version),
        containers: containers(host.root_fact(|answers| &answers.containers), expected),
    }
}

/// A row for every container that is expected, also for those that the engine does not have. Where none is expected,
/// that none is watched is known without anybody's help.
fn containers(answer: Reading<Vec<DockerContainer>>, expected: &[String]) -> Reading<Vec<DockerContainer>> {
    let mut rows = match answer {
        Err(_) if expected.is_empty() => return Ok(Vec::new()),
        answer => answer?,
    };
    let there = |rows: &[DockerContainer], name: &String| rows.iter().any(|row| row.name.as_ref() == Some(name));
    let gone: Vec<_> = expected.iter().filter(|name| !there(&rows, name)).map(|name| missing(name)).collect();
    rows.extend(gone);
    Ok(rows)
}

fn missing(name: &str) -> DockerContainer {
    let reason = Unknown::absent("the engine has no container of this name");
    DockerContainerReading {
        name: Ok(name.to_string()),
        image: Err(reason.clone()),
        state: Err(reason.clone()),
        health: Err(reason),
    }
    .into()
}

fn nowhere(expected: &[String]) -> DockerReading {
    let reason = Unknown::not_applicable("no Docker engine is installed here");
    DockerReading {
        present: Ok(false),
        running: Err(reason.clone()),
        socket: Err(reason.clone()),
        version: Err(reason.clone()),
        containers: if expected.is_empty() { Err(reason) } else { containers(Ok(Vec::new()), expected) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/run/docker.sock";

    #[test]
    fn a_socket_that_refuses_is_an_engine_that_is_stopped() {
        let docker = judge(&Host::here(), PATH, Ok(false), false, &[]);
        assert_eq!((docker.present, docker.running, docker.socket), (Ok(true), Ok(false), Ok(PATH.to_string())));
    }

    #[test]
    fn a_socket_that_may_not_be_opened_is_there_all_the_same() {
        let docker = judge(&Host::here(), PATH, Err(Unknown::denied("EACCES")), false, &[]);
        assert_eq!(docker.present, Ok(true));
        assert_eq!(docker.running.unwrap_err().state, ValueState::Denied);
    }

    #[test]
    fn neither_socket_nor_binary_is_no_engine() {
        let absent = || Err(Unknown::absent("not there"));
        assert_eq!(judge(&Host::here(), PATH, absent(), false, &[]).present, Ok(false));
        let stopped = judge(&Host::here(), PATH, absent(), true, &[]);
        assert_eq!((stopped.present, stopped.running), (Ok(true), Ok(false)));
    }

    #[test]
    fn every_expected_container_has_a_row() {
        let names = ["worker".to_string(), "gone".to_string()];
        let worker = DockerContainer { name: Some("worker".into()), ..DockerContainer::default() };
        let rows = containers(Ok(vec![worker]), &names).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].unknown["state"].state, ValueState::Absent);
    }

    #[test]
    fn that_nothing_is_expected_is_known_without_the_helper() {
        let denied = || Err(Unknown::denied("needs coord-helper"));
        assert_eq!(containers(denied(), &[]), Ok(Vec::new()));
        assert_eq!(containers(denied(), &["worker".to_string()]).unwrap_err().state, ValueState::Denied);
    }
}
