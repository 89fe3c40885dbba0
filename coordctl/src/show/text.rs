//! Ages, sizes and line breaks, in the few forms that all screens share.

/// A span of seconds in its largest unit: `2s`, `5m`, `3h`, `9d`.
pub(crate) fn age(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    let seconds = seconds.max(0.0);
    if seconds < MINUTE {
        format!("{:.0}s", seconds.floor())
    } else if seconds < HOUR {
        format!("{:.0}m", (seconds / MINUTE).floor())
    } else if seconds < DAY {
        format!("{:.0}h", (seconds / HOUR).floor())
    } else {
        format!("{:.0}d", (seconds / DAY).floor())
    }
}

/// Bytes in binary units with two figures below ten: `6.1 GiB`, `412 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let mut number = bytes as f64;
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && number < 9.95);
    format!("{number:.digits$} {}", UNITS[unit])
}

/// A short time as people say it: `0.6 ms`, `40 ms`, `3.0 s`.
pub(crate) fn short_time(seconds: f64) -> String {
    let milliseconds = seconds * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{seconds:.1} s")
    }
}

/// `text` in lines of at most `columns`; its own line breaks stay, and a word that is longer is not cut.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() && length(&line) + 1 + length(word) > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// `label` and `text` side by side, the text wrapped under itself.
pub(crate) fn beside(label: &str, text: &str, columns: usize) -> Vec<String> {
    let indent = length(label);
    let lines = wrap(text, columns.saturating_sub(indent).max(20));
    let first_then = |(row, line): (usize, &String)| match row {
        0 => format!("{label}{line}").trim_end().to_owned(),
        _ => format!("{:indent$}{line}", "").trim_end().to_owned(),
    };
    lines.iter().enumerate().map(first_then).collect()
}

/// `hint: ` and a text of which the words before the last colon are wrapped; what is there to be typed stays in one
/// piece, since a command that is broken over two lines is two commands to a shell.
pub(crate) fn hint(indent: usize, text: &str, columns: usize) -> Vec<String> {
    let room = columns.saturating_sub(indent + 6).max(20);
    let pieces: Vec<String> = text.split('\n').flat_map(|line| hint_lines(line, room)).collect();
    beside(&format!("{:indent$}hint: ", ""), &pieces.join("\n"), usize::MAX)
}

fn hint_lines(line: &str, room: usize) -> Vec<String> {
    let typed = |text: &str| !text.contains(", ") && !text.contains(". ");
    match line.rsplit_once(": ") {
        _ if length(line) <= room => vec![line.to_owned()],
        Some((words, command)) if typed(command) => {
            let mut lines = wrap(&format!("{words}:"), room);
            match lines.last_mut() {
                Some(last) if length(last) + 1 + length(command) <= room => last.push_str(&format!(" {command}")),
                Some(_) | None => lines.push(command.to_owned()),
            }
            lines
        }
        None if typed(line) => vec![line.to_owned()],
        Some(_) | None => wrap(line, room),
    }
}

/// Columns that `text` takes.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

/// The start of a hash, long enough to tell any two apart; JSON has all of it.
pub(crate) fn short_id(id: &str) -> String {
    id.chars().take(16).collect()
}

/// `1 problem`, `2 problems`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// Names for people: `node/k3s-w3` is `k3s-w3`.
pub(crate) fn subject(text: &str) -> &str {
    match text.strip_prefix("node/") {
        Some(name) => name,
        None if text.is_empty() => "-",
        None => text,
    }
}
