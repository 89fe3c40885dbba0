//! Forms of personal data that show by themselves, wherever they stand.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// Six pairs of hexadecimal digits.
    Mac,
    /// A machine-id or another long hexadecimal number.
    Hexadecimal,
    /// A join token of k3s.
    Token,
    /// An IPv4 address.
    Four(Ipv4Addr),
    /// An IPv6 address.
    Six(Ipv6Addr),
}

/// The personal word that `text` begins with.
pub(super) fn find(text: &str) -> Option<(&str, Kind)> {
    uuid(text)
        .or_else(|| mac(text))
        .or_else(|| token(text))
        .or_else(|| hexadecimal(text))
        .or_else(|| four(text))
        .or_else(|| six(text))
}

/// Whether `text` begins with `word` and the word ends there.
pub(super) fn whole_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// `home/NAME` of a path.
pub(super) fn home(text: &str) -> Option<&str> {
    let name = text.strip_prefix("home/")?;
    let length = name.find(|next: char| next == '/' || next.is_whitespace() || next == '"').unwrap_or(name.len());
    (length > 0).then(|| &text[..5 + length])
}

/// The leading part of `text` made of `wanted`, if the word ends with it.
fn run(text: &str, wanted: impl Fn(u8) -> bool) -> Option<&str> {
    let length = text.bytes().position(|byte| !wanted(byte)).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(length)?;
    (!word.is_empty() && !rest.starts_with(|next: char| next.is_ascii_alphanumeric())).then_some(word)
}

fn uuid(text: &str) -> Option<(&str, Kind)> {
    let word = text.get(..36)?;
    let fits = word.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (fits && whole_word(text, word)).then_some((word, Kind::Uuid))
}

fn mac(text: &str) -> Option<(&str, Kind)> {
    let word = text.get(..17)?;
    let fits = word.bytes().enumerate().all(|(place, byte)| match place % 3 {
        2 => byte == b':',
        _ => byte.is_ascii_hexdigit(),
    });
    let special = matches!(word, "00:00:00:00:00:00" | "ff:ff:ff:ff:ff:ff");
    let ends = text.as_bytes().get(17).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b':');
    (fits && ends && !special).then_some((word, Kind::Mac))
}

fn token(text: &str) -> Option<(&str, Kind)> {
    let digits = text.strip_prefix("K10")?.bytes().take_while(u8::is_ascii_hexdigit).count();
    let length = text.find(char::is_whitespace).unwrap_or(text.len());
    (digits >= 32).then(|| (&text[..length], Kind::Token))
}

fn hexadecimal(text: &str) -> Option<(&str, Kind)> {
    let word = run(text, |byte| byte.is_ascii_hexdigit())?;
    let long = matches!(word.len(), 32 | 40 | 64);
    let zeros = word.bytes().all(|byte| byte == b'0');
    (long && !zeros).then_some((word, Kind::Hexadecimal))
}

fn four(text: &str) -> Option<(&str, Kind)> {
    let word = run(text, |byte| byte.is_ascii_digit() || byte == b'.')?;
    let word = word.trim_end_matches('.');
    word.parse().ok().map(|address| (word, Kind::Four(address)))
}

fn six(text: &str) -> Option<(&str, Kind)> {
    let word = run(text, |byte| byte.is_ascii_hexdigit() || byte == b':')?;
    // `ADDRESS:/export` of NFS ends with a colon that is not the address's.
    let word = if word.ends_with("::") { word } else { word.trim_end_matches(':') };
    let address: Ipv6Addr = word.parse().ok()?;
    let kept = address.is_loopback() || address.is_unspecified() || address.is_multicast() || word.ends_with("::");
    (!kept).then_some((word, Kind::Six(address)))
}
