//! Which connections belong to which key, so that a revocation closes them at once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// One token a key; every connection of the key holds it. Bounded by the keys that ever had a certificate.
#[derive(Debug, Default)]
pub(crate) struct Doors(Mutex<BTreeMap<String, CancellationToken>>);

impl Doors {
    /// The token that a connection of this key must obey.
    pub(crate) fn token(&self, key_id: &str) -> CancellationToken {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors.entry(key_id.to_owned()).or_default().clone()
    }

    /// Ends every connection of this key. A later one gets a fresh token, and is refused by its role.
    pub(crate) fn close(&self, key_id: &str) {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = doors.remove(key_id) {
            token.cancel();
        }
    }
}
