//! Colour for a symbol and its word; never the only sign of anything.

/// What a piece of text says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    Plain,
    /// All is well.
    Good,
    /// Does not work.
    Bad,
    /// Needs a look.
    Warning,
    /// Is being done.
    Active,
    /// A heading.
    Strong,
}

/// `text` in the colour of its tone (ECMA-48 SGR).
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let number = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Warning => "33",
        Tone::Active => "36",
        Tone::Strong => "1",
    };
    format!("\u{1b}[{number}m{text}\u{1b}[0m")
}
