//! Forms of personal data that show by themselves, wherever they stand.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// Six pairs of hexadecimal digits.
    Mac,
    /// An interface that is named after its hardware address: `enx` or `wlx` and twelve digits.
    Interface,
    /// A machine-id or another long hexadecimal number.
    Hexadecimal,
    /// A join token of k3s.
    Token,
    /// An IPv4 address.
    Four(Ipv4Addr),
    /// An IPv6 address.
    Six(Ipv6Addr),
}

impl Kind {
    /// Words of one family are the same where their digits are.
    pub(super) fn family(self) -> &'static str {
        match self {
            Self::Uuid | Self::Hexadecimal => "number ",
            Self::Mac => "mac ",
            Self::Interface => "interface ",
            Self::Token => "token ",
            Self::Four(_) | Self::Six(_) => "address ",
        }
    }
}

/// A UUID's dashes, put into its 32 digits; any other word as it is.
pub(super) fn dashed(digits: &str) -> String {
    if digits.len() != 32 || !digits.is_ascii() {
        return digits.to_string();
    }
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// The personal word that `text` begins with.
pub(super) fn find(text: &str) -> Option<(&str, Kind)> {
    uuid(text)
        .or_else(|| mac(text))
        .or_else(|| interface(text))
        .or_else(|| token(text))
        .or_else(|| hexadecimal(text))
        .or_else(|| four(text))
        .or_else(|| six(text))
}

/// Whether `text` begins with `word` and the word ends there.
pub(super) fn whole_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// `home/NAME` and `run/media/NAME` of a path.
pub(super) fn home(text: &str) -> Option<&str> {
    let folder = ["home/", "run/media/"].into_iter().find(|folder| text.starts_with(folder))?;
    let name = &text[folder.len()..];
    let length = name.find(|next: char| next == '/' || next.is_whitespace() || next == '"').unwrap_or(name.len());
    (length > 0).then(|| &text[..folder.len() + length])
}

fn interface(text: &str) -> Option<(&str, Kind)> {
    let digits = text.strip_prefix("enx").or_else(|| text.strip_prefix("wlx"))?;
    let word = run(digits, |byte| byte.is_ascii_hexdigit()).filter(|word| word.len() == 12)?;
    Some((&text[..3 + word.len()], Kind::Interface))
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
