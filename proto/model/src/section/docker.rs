//! The Docker engine.

use alloc::{string::String, vec::Vec};

use crate::facts::facts;

facts! {
    /// One container that Coord was told to watch.
    pub struct DockerContainer from DockerContainerReading {
        /// Its name.
        name: String,
        /// Its image.
        image: String,
        /// Its state.
        state: String,
        /// What its health check says.
        health: String,
    }
}

facts! {
    /// The Docker engine.
    pub struct Docker from DockerReading {
        /// Whether an engine is installed here.
        present: bool,
        /// Whether its socket accepts connections.
        running: bool,
        /// Path of the socket.
        socket: String,
        /// Engine version; needs the helper.
        version: String,
        /// Declared containers; needs the helper.
        containers: Vec<DockerContainer>,
    }
}
