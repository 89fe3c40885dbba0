//! Where text goes: data to stdout, talk to stderr, colour where it is wanted; a reader that left is no failure.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    arguments::{Color, Common, Format},
    failure::{Exit, Failure},
    place::environment,
    show::{self, Look},
};

/// How this process writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    flagged: Option<Format>,
    color: Color,
}

impl Output {
    /// Columns where nobody says how many there are.
    const COLUMNS: usize = 80;

    /// By the command line; the environment is read when it is needed.
    pub(crate) fn new(common: &Common) -> Self {
        let color = if common.no_color { Color::Never } else { common.color };
        Self { flagged: common.output, color }
    }

    /// How an answer is written.
    ///
    /// # Errors
    /// When COORDCTL_OUTPUT names no format.
    pub(crate) fn format(&self) -> Result<Format, Failure> {
        let Some(name) = self.flagged.is_none().then(|| environment("COORDCTL_OUTPUT")).flatten() else {
            return Ok(self.flagged.unwrap_or(Format::Table));
        };
        Format::from_str(&name, false).map_err(|_| {
            Failure::usage(format_args!("COORDCTL_OUTPUT is `{name}`")).hint("use table, wide, json or yaml")
        })
    }

    /// Room and wishes for a screen.
    pub(crate) fn look(&self) -> Look {
        let told = environment("COLUMNS").and_then(|text| text.parse().ok());
        let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let columns = told.or_else(seen).unwrap_or(Self::COLUMNS);
        Look { columns: columns.clamp(40, 200), wide: self.format() == Ok(Format::Wide), now: Timestamp::now() }
    }

    /// A document: as it came for programs, as `screen` shows it for people.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(crate) fn document<T: Serialize>(&self, value: &T, screen: impl FnOnce(Look) -> String) -> Result<(), Failure> {
        self.data(&self.written(value, screen)?)
    }

    /// The text of a document in the wanted format.
    ///
    /// # Errors
    /// When it cannot be written as that.
    pub(crate) fn written<T: Serialize>(
        &self,
        value: &T,
        screen: impl FnOnce(Look) -> String,
    ) -> Result<String, Failure> {
        let cannot = |error: &dyn std::error::Error| Failure::new("cannot write the answer").because(error);
        match self.format()? {
            Format::Table | Format::Wide => Ok(screen(self.look())),
            Format::Json => Ok(serde_json::to_string_pretty(value).map_err(|error| cannot(&error))? + "\n"),
            Format::Yaml => Ok(serde_saphyr::to_string(value).map_err(|error| cannot(&error))?),
        }
    }

    /// Text to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written; a reader that left ends the process as a success.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stream = AutoStream::new(io::stdout(), self.choice(AutoStream::choice(&io::stdout()))).lock();
        written(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()))
    }

    /// Text over the last one: from the upper left corner on a terminal, below a blank line elsewhere.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub(crate) fn redraw(&self, text: &str, first: bool) -> Result<(), Failure> {
        if !io::stdout().is_terminal() {
            return self.data(&if first { text.to_owned() } else { format!("\n{text}") });
        }
        let choice = self.choice(AutoStream::choice(&io::stdout()));
        let text = match choice {
            ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
            ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => text.to_owned(),
        };
        // Each line is cleared behind its text and the rest of the screen at the end: nothing flickers.
        let start = if first { "\u{1b}[2J\u{1b}[H" } else { "\u{1b}[H" };
        let screen = format!("{start}{}\u{1b}[J", text.replace('\n', "\u{1b}[K\n"));
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(screen.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Text to stderr; nothing can be done when that fails.
    pub(crate) fn talk(&self, text: &str) {
        let mut stream = AutoStream::new(io::stderr(), self.choice(AutoStream::choice(&io::stderr()))).lock();
        let _ = stream.write_all(text.as_bytes());
    }

    /// A failure to stderr, unless it is none that people need to read about.
    pub(crate) fn failure(&self, failure: &Failure) {
        match failure.exit {
            Exit::Fine | Exit::Changes | Exit::Interrupted => {}
            Exit::Failed | Exit::Usage | Exit::Unhealthy | Exit::Away | Exit::TimedOut => {
                self.talk(&show::failure::failure(failure));
            }
        }
    }

    fn choice(&self, automatic: ColorChoice) -> ColorChoice {
        match self.color {
            Color::Auto => automatic,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        }
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            Err(Failure { exit: Exit::Fine, ..Failure::new("the reader of stdout left") })
        }
        other => other.map_err(|error| Failure::new("cannot write to stdout").because(&error)),
    }
}
