//! Random numbers from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

/// 64 random bits.
///
/// # Errors
/// When the system has no random numbers.
pub fn random_number() -> Result<u64, ring::error::Unspecified> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
