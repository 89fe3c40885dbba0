//! The single-use token: where to go, whom to believe there, and the secret that opens the door once.
//!
//! Text: `coord_` and base64url of version, role, authority pin, id, secret, addresses, and four bytes of SHA-256
//! over all of that, so that a mistyped or cut token is told apart from a wrong one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroize;

const PREFIX: &str = "coord_";
const VERSION: u8 = 1;
const PIN: usize = 32;
const ID: usize = 8;
const SECRET: usize = 16;
const CHECK: usize = 4;
const FIXED: usize = 2 + PIN + ID + SECRET;

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not begin as one.
    #[error("this is not a token: a token begins with `coord_`")]
    NotAToken,
    /// Characters are missing or changed.
    #[error("the token is incomplete or mistyped: its check sum does not match")]
    Damaged,
    /// It was made by a newer coordinator.
    #[error("the token was made by a newer coordinator than this program understands")]
    Newer,
}

/// A token. Its `Debug` form keeps the secret to itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the authority's public key info, DER.
    pub pin: [u8; PIN],
    /// The public half.
    pub id: [u8; ID],
    /// The secret half: 128 random bits.
    pub secret: [u8; SECRET],
    /// For an operator instead of a node.
    pub operator: bool,
    /// Where the coordinator listens, best first, `HOST:PORT`.
    pub addresses: Vec<String>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Token")
            .field("id", &self.id_text())
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// A fresh one with a random id and secret.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(pin: [u8; PIN], operator: bool, addresses: Vec<String>) -> Result<Self, ring::error::Unspecified> {
        let random = SystemRandom::new();
        let (mut id, mut secret) = ([0; ID], [0; SECRET]);
        random.fill(&mut id)?;
        random.fill(&mut secret)?;
        Ok(Self { pin, id, secret, operator, addresses })
    }

    /// The public half as people see it.
    #[must_use]
    pub fn id_text(&self) -> String {
        hexadecimal(&self.id)
    }

    /// The whole token as text: a secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = vec![VERSION, u8::from(self.operator)];
        bytes.extend_from_slice(&self.pin);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(self.addresses.join(",").as_bytes());
        let check = digest(&SHA256, &bytes);
        bytes.extend(check.as_ref().iter().take(CHECK));
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
        bytes.zeroize();
        text
    }

    /// Reads a token, spaces around it allowed.
    ///
    /// # Errors
    /// When it is not a token, is damaged, or is newer than this program.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(TokenError::NotAToken)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Damaged)?;
        let (bytes, check) = bytes.split_at_checked(bytes.len().saturating_sub(CHECK)).ok_or(TokenError::Damaged)?;
        if bytes.len() < FIXED || digest(&SHA256, bytes).as_ref().get(..CHECK) != Some(check) {
            return Err(TokenError::Damaged);
        }
        Self::from_checked(bytes)
    }

    fn from_checked(bytes: &[u8]) -> Result<Self, TokenError> {
        let (head, rest) = bytes.split_at_checked(2).ok_or(TokenError::Damaged)?;
        if head.first() != Some(&VERSION) {
            return Err(TokenError::Newer);
        }
        let (pin, rest) = rest.split_first_chunk().ok_or(TokenError::Damaged)?;
        let (id, rest) = rest.split_first_chunk().ok_or(TokenError::Damaged)?;
        let (secret, rest) = rest.split_first_chunk().ok_or(TokenError::Damaged)?;
        let addresses = std::str::from_utf8(rest).map_err(|_| TokenError::Damaged)?;
        Ok(Self {
            pin: *pin,
            id: *id,
            secret: *secret,
            operator: head.get(1) == Some(&1),
            addresses: addresses.split(',').filter(|address| !address.is_empty()).map(str::to_owned).collect(),
        })
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('?'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> Token {
        Token::generate([7; 32], false, vec!["192.0.2.1:7443".into(), "[2001:db8::1]:7443".into()]).unwrap()
    }

    #[test]
    fn a_token_survives_the_clipboard() {
        let token = token();
        assert_eq!(Token::parse(&format!("  {}\n", token.to_text())), Ok(token));
    }

    #[test]
    fn a_cut_token_is_said_to_be_incomplete() {
        let text = token().to_text();
        for length in PREFIX.len()..text.len() {
            assert_eq!(Token::parse(&text[..length]), Err(TokenError::Damaged), "cut at {length}");
        }
        assert_eq!(Token::parse("K10abc::server:def"), Err(TokenError::NotAToken));
    }

    #[test]
    fn the_secret_is_not_printed() {
        let token = token();
        assert!(!format!("{token:?}").contains(&hexadecimal(&token.secret)));
    }

    proptest! {
        #[test]
        fn a_mistyped_character_is_found(place in 6_usize..100, other in proptest::char::range('a', 'z')) {
            let text = token().to_text();
            let mut characters: Vec<char> = text.chars().collect();
            prop_assume!(characters[place] != other);
            characters[place] = other;
            prop_assert_eq!(Token::parse(&characters.iter().collect::<String>()), Err(TokenError::Damaged));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Token::parse(&text);
            let _ = Token::parse(&format!("coord_{text}"));
        }
    }
}
