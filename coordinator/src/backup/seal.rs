//! A passphrase around a backup: PBKDF2 makes a key of it, ChaCha20-Poly1305 seals the whole file.
//!
//! Layout: the mark, the number of rounds (4 bytes, big-endian), 16 bytes of salt, then the sealed bytes with their tag.
//! Mark, rounds and salt are authenticated, too. Each seal has a salt of its own and so a key of its own, for which one
//! fixed nonce is used once.

use std::num::NonZeroU32;

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    pbkdf2::{PBKDF2_HMAC_SHA256, derive},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::BackupError;

/// How a sealed backup begins.
pub(super) const MARK: &[u8] = b"coord-sealed-backup-1\n";

const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(599_999);

/// A file that asks for more rounds than this wants to keep somebody busy.
const MOST_ROUNDS: u32 = 10_000_000;

const SALT: usize = 16;

const HEAD: usize = MARK.len() + 4 + SALT;

/// Why a seal does not open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// `plain` sealed with `passphrase`.
pub(super) fn seal(plain: &[u8], passphrase: &str) -> Result<Vec<u8>, BackupError> {
    let mut salt = [0; SALT];
    SystemRandom::new().fill(&mut salt).map_err(|_| BackupError::Random)?;
    let head = [MARK, &ROUNDS.get().to_be_bytes(), &salt].concat();
    let mut sealed = plain.to_vec();
    let key = key(passphrase, &salt, ROUNDS);
    key.seal_in_place_append_tag(nonce(), Aad::from(&head), &mut sealed).map_err(|_| BackupError::Random)?;
    Ok([head, sealed].concat())
}

/// What was sealed.
pub(super) fn open(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, Closed> {
    let (head, body) = sealed.split_at_checked(HEAD).ok_or(Closed)?;
    let (rounds, salt) = head[MARK.len()..].split_first_chunk::<4>().ok_or(Closed)?;
    let rounds = u32::from_be_bytes(*rounds);
    let rounds = NonZeroU32::new(rounds).filter(|_| rounds <= MOST_ROUNDS).ok_or(Closed)?;
    let mut plain = body.to_vec();
    let key = key(passphrase, salt, rounds);
    let length = key.open_in_place(nonce(), Aad::from(head), &mut plain).map_err(|_| Closed)?.len();
    plain.truncate(length);
    Ok(plain)
}

fn key(passphrase: &str, salt: &[u8], rounds: NonZeroU32) -> LessSafeKey {
    let mut bytes = Zeroizing::new([0; 32]);
    derive(PBKDF2_HMAC_SHA256, rounds, salt, passphrase.as_bytes(), bytes.as_mut());
    let key = UnboundKey::new(&CHACHA20_POLY1305, bytes.as_ref());
    LessSafeKey::new(key.expect("a key of this algorithm has 32 bytes"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_and_only_what_was_sealed() {
        let mut sealed = seal(b"the key", "correct horse").unwrap();
        assert_eq!(open(&sealed, "correct horse").unwrap(), b"the key");
        assert_eq!(open(&sealed, "wrong horse"), Err(Closed));
        assert_eq!(open(&sealed[..HEAD - 1], "correct horse"), Err(Closed));
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(open(&sealed, "correct horse"), Err(Closed));
    }

    #[test]
    fn a_file_cannot_ask_for_endless_work() {
        let mut sealed = seal(b"x", "y").unwrap();
        sealed[MARK.len()..MARK.len() + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(open(&sealed, "y"), Err(Closed));
    }
}
