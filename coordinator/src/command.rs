//! The command line: flag over environment over file over default.

use std::{error::Error, io, io::Write, net::SocketAddr, path::PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use coordinator::{
    backup, clock,
    config::{ConfigError, DEFAULT_FILE, Layer, LogLevel, Settings},
    telemetry,
};
use tracing_subscriber::filter::LevelFilter;

/// Knows a homelab's machines, issues their identities, and says what is wrong.
#[derive(Debug, Parser)]
#[command(name = "coordinator", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// The configuration file [default: /etc/coord/coordinator.yaml, which need not exist]
    #[arg(long, global = true, env = "COORDINATOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

/// What every verb may be told.
#[derive(Args, Debug)]
struct Flags {
    /// The data folder [default: /var/lib/coordinator]
    #[arg(long, global = true, env = "COORDINATOR_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// How much is logged: error, warn, info, debug, trace [default: info]
    #[arg(long, global = true, env = "COORDINATOR_LOG", value_name = "LEVEL", value_parser = level)]
    log: Option<LogLevel>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run until stopped
    Serve(Serve),
    /// Read the configuration, say what is wrong with it, or print what holds
    CheckConfig,
    /// Write a backup, also while a coordinator runs; it holds the authority's key
    Backup {
        /// Where to; replaced if it exists
        file: PathBuf,
        /// Ask for a passphrase and encrypt the backup with it (read from standard input without a terminal)
        #[arg(long)]
        passphrase: bool,
    },
    /// Put a backup into the data folder; all tokens become void
    Restore {
        /// The backup
        file: PathBuf,
        /// Ask for the passphrase of the backup
        #[arg(long)]
        passphrase: bool,
        /// Take the place of the coordinator that is in the data folder
        #[arg(long)]
        replace: bool,
    },
    /// Print a completion script for a shell
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder; what packages are made with
    #[command(hide = true)]
    Manual {
        /// The folder, which is there
        folder: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Serve {
    /// Where agents and remote coordctl connect [default: 0.0.0.0:7443]
    #[arg(long, env = "COORDINATOR_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where health and metrics are [default: 127.0.0.1:7444]
    #[arg(long, env = "COORDINATOR_HTTP", value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// The socket for coordctl on this machine [default: /run/coordinator/control.sock]
    #[arg(long, env = "COORDINATOR_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Addresses, HOST:PORT, that tokens and agents are told [default: this machine's own]
    #[arg(long, env = "COORDINATOR_ADVERTISE", value_name = "HOST:PORT", value_delimiter = ',')]
    advertise: Option<Vec<String>>,
    /// The cluster file, read again when it changes [default: /etc/coord/cluster.yaml, which need not exist]
    #[arg(long, env = "COORDINATOR_CLUSTER", value_name = "FILE")]
    cluster: Option<PathBuf>,
    /// How the Kubernetes cluster is reached, unless this runs in it; it may come later [default: no cluster]
    #[arg(long, env = "COORDINATOR_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

fn level(text: &str) -> Result<LogLevel, String> {
    match text {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        other => Err(format!("{other:?} is none of error, warn, info, debug, trace")),
    }
}

/// Carries out what was asked.
pub(crate) fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { verb, config, flags } = arguments;
    let layer = Layer { data: flags.data, log: flags.log, ..Layer::default() };
    match verb {
        Verb::Serve(serve) => {
            let Serve { listen, http, socket, advertise, cluster, kubeconfig } = serve;
            serve_until_stopped(settings(
                config,
                Layer { listen, http, socket, advertise, cluster, kubeconfig, ..layer },
            )?)
        }
        Verb::CheckConfig => Ok(say(&settings(config, layer)?.to_string())?),
        Verb::Backup { file, passphrase } => {
            let settings = settings(config, layer)?;
            let passphrase = passphrase.then(|| ask("Passphrase for the backup: ")).transpose()?;
            backup::backup(&settings.data, &file, passphrase.as_deref(), clock::now().wall)?;
            let kept = if passphrase.is_some() { "encrypted" } else { "not encrypted: it holds the authority's key" };
            Ok(say(&format!("backup written to {}, {kept}\n", file.display()))?)
        }
        Verb::Restore { file, passphrase, replace } => {
            let settings = settings(config, layer)?;
            let passphrase = passphrase.then(|| ask("Passphrase of the backup: ")).transpose()?;
            let restored = backup::restore(&settings.data, &file, passphrase.as_deref(), replace, clock::now().wall)?;
            Ok(say(&format!(
                "restored; epoch {}, {} younger revocations kept, all tokens void\n\
                 next: coordinator serve; nodes that joined after the backup wait for: coordctl node approve --all-known\n",
                restored.epoch, restored.revocations_kept
            ))?)
        }
        Verb::Completion { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "coordinator", &mut io::stdout());
            Ok(())
        }
        Verb::Manual { folder } => Ok(clap_mangen::generate_to(Arguments::command(), folder)?),
    }
}

/// The file is asked for by name, or may be missing at its usual place.
fn settings(config: Option<PathBuf>, flags: Layer) -> Result<Settings, ConfigError> {
    let asked = config.is_some();
    let path = config.unwrap_or_else(|| DEFAULT_FILE.into());
    let file = match Layer::load(&path)? {
        Some(layer) => layer,
        None if asked => {
            let source = io::ErrorKind::NotFound.into();
            return Err(ConfigError::File { path, source });
        }
        None => Layer::default(),
    };
    Settings::check(flags.over(file))
}

fn serve_until_stopped(settings: Settings) -> Result<(), Box<dyn Error>> {
    telemetry::start(filter(settings.log));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on(coordinator::serve::serve(settings))?)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// A passphrase without echo from a terminal, or the first line of standard input.
fn ask(prompt: &str) -> io::Result<String> {
    if io::IsTerminal::is_terminal(&io::stdin()) {
        return rpassword::prompt_password(prompt);
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn say(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}
