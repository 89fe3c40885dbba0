//! The command line of `coord-agent`.

use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};

mod help;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Enrol this machine; the token comes from a prompt or stdin.
    Join(RunArguments),
    /// Forget the coordinator and stop the service.
    Leave(RunArguments),
    /// Report until told to stop.
    Run(RunArguments),
    /// Read everything once and show it.
    Check {
        /// How it is shown.
        output: Output,
        /// A recorded host instead of this machine.
        root: Option<PathBuf>,
    },
    /// Measure how long the disk below a folder takes for fdatasync.
    DiskLatency {
        /// The folder.
        path: PathBuf,
        /// How it is shown.
        output: Output,
        /// A recorded host, which has no disk: refused.
        root: Option<PathBuf>,
    },
    /// Write this machine down as a recorded host.
    Record {
        /// Where to.
        folder: PathBuf,
        /// A recorded host instead of this machine.
        root: Option<PathBuf>,
    },
    /// The probing child of `run` and `check`.
    Probe {
        /// Sections and file systems.
        names: Vec<String>,
        /// A recorded host instead of this machine.
        root: Option<PathBuf>,
    },
    /// Text for a person who asked for it.
    Help(&'static str),
    /// The version.
    Version,
}

/// Arguments of `run`; what is not given comes from the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunArguments {
    /// `HOST:PORT` of the coordinator.
    pub(crate) coordinator: Option<String>,
    /// A file that holds a token, `-` for stdin.
    pub(crate) token_file: Option<PathBuf>,
    /// The name to enrol as.
    pub(crate) name: Option<String>,
    /// Where the identity is kept.
    pub(crate) state: Option<PathBuf>,
    /// A recorded host instead of this machine.
    pub(crate) root: Option<PathBuf>,
    /// The configuration file.
    pub(crate) config: Option<PathBuf>,
}

/// How `check` shows what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Why the command line makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{message}\nhint: coord-agent {topic}--help")]
pub(crate) struct UsageError {
    message: String,
    /// The subcommand with a space, or nothing.
    topic: String,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Arguments, UsageError> {
    let mut parser = Parser::from_args(arguments);
    let failed = |error: lexopt::Error| UsageError { message: error.to_string(), topic: String::new() };
    let command = match parser.next().map_err(failed)? {
        None => return Ok(Arguments::Help(help::OVERVIEW)),
        Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Arguments::Help(help::OVERVIEW)),
        Some(Arg::Short('V') | Arg::Long("version")) => return Ok(Arguments::Version),
        Some(Arg::Value(command)) => command.string().map_err(failed)?,
        Some(other) => return Err(failed(other.unexpected())),
    };
    let topic = help::topic(&command);
    let parsed = Parsed::read(&mut parser);
    let parsed = parsed.map_err(|error| UsageError {
        message: error.to_string(),
        topic: topic.map_or_else(String::new, |_| format!("{command} ")),
    })?;
    if parsed.help {
        return Ok(Arguments::Help(topic.unwrap_or(help::OVERVIEW)));
    }
    let topic = topic.map_or_else(String::new, |_| format!("{command} "));
    parsed.command(&command).map_err(|message| UsageError { message, topic })
}

/// Everything that any subcommand takes.
#[derive(Default)]
struct Parsed {
    values: Vec<OsString>,
    run: RunArguments,
    output: Option<String>,
    disk_latency: Option<PathBuf>,
    /// Options that were given, by name.
    given: Vec<&'static str>,
    help: bool,
}

impl Parsed {
    fn read(parser: &mut Parser) -> Result<Self, lexopt::Error> {
        let mut parsed = Self::default();
        while let Some(argument) = parser.next()? {
            let name = match argument {
                Arg::Short('h') | Arg::Long("help") => {
                    parsed.help = true;
                    continue;
                }
                Arg::Value(value) => {
                    parsed.values.push(value);
                    continue;
                }
                Arg::Short('o') | Arg::Long("output") => "--output",
                Arg::Long("disk-latency") => "--disk-latency",
                Arg::Long("coordinator") => "--coordinator",
                Arg::Long("token-file") => "--token-file",
                Arg::Long("name") => "--name",
                Arg::Long("state") => "--state",
                Arg::Long("root") => "--root",
                Arg::Long("config") => "--config",
                other => return Err(other.unexpected()),
            };
            parsed.take(name, parser.value()?)?;
        }
        Ok(parsed)
    }

    fn take(&mut self, name: &'static str, value: OsString) -> Result<(), lexopt::Error> {
        self.given.push(name);
        match name {
            "--output" => self.output = Some(value.string()?),
            "--disk-latency" => self.disk_latency = Some(value.into()),
            "--coordinator" => self.run.coordinator = Some(value.string()?),
            "--token-file" => self.run.token_file = Some(value.into()),
            "--name" => self.run.name = Some(value.string()?),
            "--state" => self.run.state = Some(value.into()),
            "--root" => self.run.root = Some(value.into()),
            _ => self.run.config = Some(value.into()),
        }
        Ok(())
    }

    /// Makes the subcommand, refusing what it does not take.
    fn command(self, command: &str) -> Result<Arguments, String> {
        let (options, most_values): (&[&str], usize) = match command {
            "join" => (&["--name", "--state", "--root", "--config"], 1),
            "leave" => (&["--state", "--config"], 0),
            "run" => (&["--coordinator", "--token-file", "--name", "--state", "--root", "--config"], 0),
            "check" => (&["--output", "--root", "--disk-latency"], 0),
            "record" => (&["--root"], 1),
            "probe" => (&["--root"], usize::MAX),
            other => return Err(format!("there is no command {other:?}")),
        };
        if let Some(option) = self.given.iter().find(|given| !options.contains(given)) {
            return Err(format!("{command} does not take {option}"));
        }
        if self.values.len() > most_values {
            return Err(format!("{command} does not take {:?}", self.values[most_values]));
        }
        let texts = self.values.iter().map(|value| value.clone().into_string());
        let texts: Result<Vec<String>, OsString> = texts.collect();
        let text = texts.map_err(|value| format!("{value:?} is not UTF-8"));
        match command {
            "join" => Ok(Arguments::Join(RunArguments { coordinator: text?.pop(), ..self.run })),
            "leave" => Ok(Arguments::Leave(self.run)),
            "run" => Ok(Arguments::Run(self.run)),
            "check" => {
                let (output, root) = (output(self.output.as_deref())?, self.run.root);
                Ok(match self.disk_latency {
                    Some(path) => Arguments::DiskLatency { path, output, root },
                    None => Arguments::Check { output, root },
                })
            }
            "record" => {
                let folder = self.values.into_iter().next().ok_or("record needs a folder to write to")?;
                Ok(Arguments::Record { folder: folder.into(), root: self.run.root })
            }
            _ => Ok(Arguments::Probe { names: text?, root: self.run.root }),
        }
    }
}

fn output(name: Option<&str>) -> Result<Output, String> {
    match name {
        None | Some("table") => Ok(Output::Table),
        Some("json") => Ok(Output::Json),
        Some(other) => Err(format!("there is no output {other:?}; there are table and json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        parse(line.split_whitespace()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_command_is_understood() {
        assert_eq!(parsed("join"), Ok(Arguments::Join(RunArguments::default())));
        let join = RunArguments { coordinator: Some("box:7443".to_string()), ..RunArguments::default() };
        assert_eq!(parsed("join box:7443"), Ok(Arguments::Join(join)));
        assert_eq!(parsed("leave"), Ok(Arguments::Leave(RunArguments::default())));
        let run = RunArguments {
            coordinator: Some("box:7443".to_string()),
            token_file: Some("-".into()),
            name: Some("w3".to_string()),
            state: Some("/s".into()),
            root: Some("/r".into()),
            config: Some("/c".into()),
        };
        let line = "run --coordinator box:7443 --token-file - --name w3 --state /s --root=/r --config /c";
        assert_eq!(parsed(line), Ok(Arguments::Run(run)));
        let check = Arguments::Check { output: Output::Json, root: Some("/r".into()) };
        assert_eq!(parsed("check -o json --root /r"), Ok(check));
        let latency = Arguments::DiskLatency { path: "/d".into(), output: Output::Json, root: None };
        assert_eq!(parsed("check -o json --disk-latency /d"), Ok(latency));
        assert_eq!(parsed("record /out"), Ok(Arguments::Record { folder: "/out".into(), root: None }));
        let names = vec!["gpu".to_string(), "space=local".to_string()];
        assert_eq!(parsed("probe gpu space=local"), Ok(Arguments::Probe { names, root: None }));
        assert_eq!(parsed("--version"), Ok(Arguments::Version));
    }

    #[test]
    fn help_is_there_for_everything() {
        for line in ["", "--help", "join --help", "leave -h", "run --help", "check --help", "record --help"] {
            let Ok(Arguments::Help(text)) = parsed(line) else { panic!("{line}: no help") };
            assert!(text.contains("coord-agent"), "{line}");
        }
    }

    #[test]
    fn nonsense_is_named_with_a_hint() {
        for (line, part) in [
            ("joinn", "there is no command \"joinn\""),
            ("check -o yaml", "there is no output \"yaml\""),
            ("check extra", "check does not take \"extra\""),
            ("leave --root /x", "leave does not take --root"),
            ("record", "record needs a folder"),
            ("check --disk-latency", "disk-latency"),
            ("run --disk-latency /d", "run does not take --disk-latency"),
            ("run --token-file", "token-file"),
            ("check --colour", "--colour"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(part) && error.contains("hint: coord-agent"), "{line}: {error}");
        }
    }
}
