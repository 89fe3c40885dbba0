//! Words and sizes for people, and lines that end before column 80.

/// The width of everything that is printed.
const WIDTH: usize = 80;

/// `label` in two columns of indent, then `text` wrapped beside it from column `column` on.
pub(super) fn labelled(indent: usize, label: &str, column: usize, text: &str) -> String {
    let mut line = format!("{:indent$}{label}", "");
    let mut lines = String::new();
    let mut empty = true;
    let pad = |line: &mut String| {
        let length = line.chars().count();
        let least = if label.is_empty() { 0 } else { 2 };
        line.push_str(&" ".repeat(column.saturating_sub(length).max(least)));
    };
    pad(&mut line);
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = " ".repeat(column);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
}

/// `412 GiB`, `3.5 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 10.0 && unit > 0 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// `3h`, `12d`: the largest whole unit.
pub(super) fn age(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0}s"),
        seconds if seconds < 7200.0 => format!("{:.0}min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.0}h", seconds / 3600.0),
        seconds => format!("{:.0}d", seconds / 86_400.0),
    }
}

/// The parts that are known, with commas.
pub(super) fn listed(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_under_itself() {
        let text = labelled(2, "label", 12, &"word ".repeat(30));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
        assert!(lines[0].starts_with("  label     word") && lines[1].starts_with("            word"), "{text}");
    }

    #[test]
    fn a_label_that_is_too_long_pushes_its_text() {
        assert_eq!(labelled(0, "a-long-label", 4, "x"), "a-long-label  x\n");
        assert_eq!(labelled(2, "label", 12, ""), "  label\n");
        assert_eq!(labelled(2, "", 2, "x"), "  x\n");
        for length in 1..20 {
            let text = labelled(2, &"l".repeat(length), 16, "x");
            assert!(text.ends_with("  x\n"), "{text}");
        }
    }

    #[test]
    fn sizes_and_ages_are_short() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(3 << 19), "1.5 MiB");
        assert_eq!(size(412 << 30), "412 GiB");
        assert_eq!(size(u64::MAX), "16384 PiB");
        assert_eq!((age(5.0).as_str(), age(7300.0).as_str(), age(864_000.0).as_str()), ("5s", "2h", "10d"));
    }
}
