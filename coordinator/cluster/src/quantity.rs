//! Sizes and durations as people write them.

/// `20GiB`, `512MiB` or a plain number, in bytes.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let factor: u64 = match text[digits..].trim() {
        "" => 1,
        "KiB" | "Ki" => 1 << 10,
        "MiB" | "Mi" => 1 << 20,
        "GiB" | "Gi" => 1 << 30,
        "TiB" | "Ti" => 1 << 40,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}

/// `120s`, `5m`, `4h` or `2d`, in seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let factor = match &text[digits..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_nonsense_is_not() {
        assert_eq!((bytes("20GiB"), bytes("7"), bytes("4GB"), bytes("")), (Some(20 << 30), Some(7), None, None));
        assert_eq!(
            (seconds("120s"), seconds("4h"), seconds("4"), seconds("4 h")),
            (Some(120), Some(14_400), None, None)
        );
        assert_eq!((bytes("99999999999TiB"), seconds("99999999999999999999s")), (None, None));
    }
}
