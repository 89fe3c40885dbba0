//! A database with short ways to put somebody into it.

use std::time::Duration;

use coord_model::{MachineEvidence, Wall};
use coordinator::store::{
    Database,
    enrolment::{Admitted, EnrolRefusal, Enrolment, enrol},
    nodes::{CertificateRecord, CredentialRecord},
    tokens::{self, NewToken, TokenGrant, TokenRefusal, TokenRole},
};
use tempfile::TempDir;

pub(crate) const NOW: Wall = Wall(1_800_000_000_000);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) database: Database,
}

pub(crate) fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path()).unwrap();
    Scene { folder, database }
}

pub(crate) fn evidence(host: &str) -> MachineEvidence {
    MachineEvidence { machine_id: format!("machine-{host}"), host_name: host.into(), ..MachineEvidence::default() }
}

pub(crate) fn certificate(number: u8) -> CertificateRecord {
    CertificateRecord { serial: format!("{number:02x}"), expires: NOW.plus(DAY) }
}

pub(crate) fn credential(secret: &str) -> CredentialRecord {
    CredentialRecord { hash: tokens::hash(secret.as_bytes()), expires: NOW.plus(90 * DAY) }
}

impl Scene {
    pub(crate) fn token(&mut self, id: &str) -> NewToken {
        self.token_with(id, |_| ())
    }

    pub(crate) fn token_with(&mut self, id: &str, change: impl FnOnce(&mut NewToken)) -> NewToken {
        let mut token = NewToken {
            id: id.into(),
            secret_hash: tokens::hash(b"secret"),
            role: TokenRole::Node,
            name: None,
            replace: false,
            created: NOW,
            expires: NOW.plus(15 * MINUTE),
            created_by: "a test".into(),
        };
        change(&mut token);
        tokens::create(&mut self.database, &token).unwrap();
        token
    }

    pub(crate) fn present(&mut self, id: &str, key: &str) -> Result<TokenGrant, TokenRefusal> {
        tokens::present(&mut self.database, id, b"secret", key, NOW)
    }

    /// Shows the token and enrols with it.
    pub(crate) fn enrol(&mut self, id: &str, key: &str, name: &str) -> Result<Admitted, EnrolRefusal> {
        let grant = self.present(id, key)?;
        let enrolment = Enrolment {
            grant,
            name: name.into(),
            evidence: evidence(name),
            version: "0.1.0".into(),
            certificate: certificate(1),
            credential: credential(&format!("credential of {key}")),
        };
        enrol(&mut self.database, &enrolment, NOW)
    }

    /// A node with a token of its own.
    pub(crate) fn node(&mut self, key: &str, name: &str) -> Admitted {
        let id = format!("token-of-{key}");
        self.token(&id);
        self.enrol(&id, key, name).unwrap()
    }
}
