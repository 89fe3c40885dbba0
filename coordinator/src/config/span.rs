//! Lengths of time as text: `500ms`, `30s`, `15m`, `24h`, `90d`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// Nothing that is issued may live shorter.
pub const SHORTEST_LIFETIME: Duration = Duration::from_secs(30);

/// The shortest pace: a mistyped unit must not make a fleet hammer its coordinator.
const SHORTEST: Duration = Duration::from_millis(100);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A length of time that something issued lives: 30 s or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(pub Duration);

/// A text that is no length of time, or a wrong one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSpan {
    /// It cannot be read.
    #[error("{0:?} is no length of time: write a whole number and ms, s, m, h or d, as in 15m")]
    Unreadable(String),
    /// It is too short to live.
    #[error("{0:?} is too short: at least 30s")]
    ShortLife(String),
    /// It is too short for a pace.
    #[error("{0:?} is too short: at least 100ms")]
    Short(String),
}

impl FromStr for Span {
    type Err = WrongSpan;

    fn from_str(text: &str) -> Result<Self, WrongSpan> {
        let length = parse(text).ok_or_else(|| WrongSpan::Unreadable(coord_model::clean(text)))?;
        if length < SHORTEST { Err(WrongSpan::Short(text.into())) } else { Ok(Self(length)) }
    }
}

impl FromStr for Lifetime {
    type Err = WrongSpan;

    fn from_str(text: &str) -> Result<Self, WrongSpan> {
        let length = parse(text).ok_or_else(|| WrongSpan::Unreadable(coord_model::clean(text)))?;
        if length < SHORTEST_LIFETIME { Err(WrongSpan::ShortLife(text.into())) } else { Ok(Self(length)) }
    }
}

fn parse(text: &str) -> Option<Duration> {
    let unit = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().ok()?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text).and_then(|text| text.parse().map_err(de::Error::custom))
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text).and_then(|text| text.parse().map_err(de::Error::custom))
    }
}

/// Takes text and names what was wanted when there is something else.
struct Text;

impl de::Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a length of time such as 15m")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}
