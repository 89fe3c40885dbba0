//! What a node or an operator may be called.

/// The longest name, as in DNS.
const LONGEST: usize = 63;

/// A name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name: use 1 to 63 of a-z, 0-9, '-' and '.', with a letter or digit at both ends")]
pub struct InvalidName {
    /// The start of it, control characters written out.
    pub name: String,
}

/// Checks that `name` can be a node's or an operator's; Kubernetes has the same rule for nodes.
///
/// # Errors
/// When it cannot.
pub fn check(name: &str) -> Result<(), InvalidName> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let inside = |character: char| plain(character) || character == '-' || character == '.';
    let good = name.len() <= LONGEST
        && name.chars().all(inside)
        && name.starts_with(plain)
        && name.ends_with(plain)
        && !name.contains("..");
    if good { Ok(()) } else { Err(InvalidName { name: coord_model::clean(name).chars().take(LONGEST).collect() }) }
}

/// The name that a machine with this host name gets unless somebody chose one; empty when nothing of it is usable.
#[must_use]
pub fn from_host(host: &str) -> String {
    let lower = |character: char| character.to_ascii_lowercase();
    let allowed = |character: char| if character.is_ascii_alphanumeric() || character == '.' { character } else { '-' };
    let mapped: String = host.chars().take(LONGEST).map(lower).map(allowed).collect();
    let name = mapped.trim_matches(['-', '.']);
    if check(name).is_ok() { name.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_dns() {
        for good in ["k3s-w3", "a", "7", "pi.home", &"a".repeat(63)] {
            assert_eq!(check(good), Ok(()));
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a b", "a..b", "\u{1b}[2J", "ä", &"a".repeat(64)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_host_name_becomes_a_name() {
        assert_eq!(from_host("Tower"), "tower");
        assert_eq!(from_host("My_NAS.local."), "my-nas.local");
        assert_eq!(from_host("---"), "");
    }
}
