//! Text from outside, made safe to print and to store.

use alloc::{format, string::String};

/// The longest text that a report, a name or a message may hold, in bytes of UTF-8.
pub const MAXIMUM_TEXT: usize = 4096;

/// `text` with control characters written as `\xNN` and cut to [`MAXIMUM_TEXT`] at a character border.
///
/// Devices, mounts and containers choose their own names, and a terminal obeys control characters.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len().min(MAXIMUM_TEXT));
    for character in text.chars() {
        if cleaned.len() + 12 > MAXIMUM_TEXT {
            cleaned.push('…');
            break;
        }
        if character.is_control() {
            cleaned.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(clean("a\u{1b}[2Jb\n"), "a\\x1b[2Jb\\x0a");
    }

    #[test]
    fn a_megabyte_is_cut_at_a_character_border() {
        let cut = clean(&"é".repeat(1 << 20));
        assert!(cut.len() <= MAXIMUM_TEXT && cut.ends_with('…'));
    }
}
