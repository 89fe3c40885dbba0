//! The two programs of this crate: `coord-agent`, which reports what is really on this machine, and `coord-helper`,
//! which answers for it what only root may see.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use self::arguments::Arguments;

mod arguments;
mod backoff;
mod check;
mod enrol;
mod fingerprint;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod helper;
mod host;
mod join;
mod latency;
mod leave;
mod probe;
mod prober;
mod record;
mod run;
mod session;
mod settings;
mod show;
mod supervise;
mod telemetry;
mod unit;
mod watch;

pub use helper::main as helper;

/// `coord-agent`: reads its command line and does what it says. The exit code is that of the process.
#[must_use]
pub fn agent() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return show::failure(&error, 2),
    };
    match run(arguments) {
        Ok(code) => code,
        Err(error) => show::failure(error.as_ref(), 1),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    match arguments {
        Arguments::Help(text) => show::text(text)?,
        Arguments::Version => show::text(&format!("coord-agent {}\n", env!("CARGO_PKG_VERSION")))?,
        Arguments::Check { output, root } => return check::check(root.as_deref(), output),
        Arguments::DiskLatency { path, output, root } => return latency::command(&path, output, root.as_deref()),
        Arguments::Probe { names, root } => probe(&names, root.as_deref())?,
        Arguments::Record { folder, root } => show::text(&record::record(&folder, root.as_deref())?)?,
        Arguments::Run(arguments) => daemon(arguments)?,
        Arguments::Join(arguments) => match join::join(arguments) {
            Err(join::JoinFailure::Interrupted) => return Ok(ExitCode::from(130)),
            joined => joined?,
        },
        Arguments::Leave(arguments) => leave::leave(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The long run, on one thread; only the resolver may borrow another.
fn daemon(arguments: arguments::RunArguments) -> Result<(), Box<dyn std::error::Error>> {
    telemetry::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    runtime.block_on(run::run(settings::Settings::load(arguments)))?;
    // A resolver that hangs must not keep the process from ending.
    runtime.shutdown_background();
    Ok(())
}

/// The probing child: ends with its parent, since nobody else reads what it says.
fn probe(names: &[String], root: Option<&std::path::Path>) -> Result<(), Box<dyn std::error::Error>> {
    let wanted = prober::child::wanted(names).map_err(|name| format!("there is nothing to probe named {name:?}"))?;
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    let briefing = if wanted.briefed { probe::Briefing::read(io::stdin().lock())? } else { probe::Briefing::default() };
    let host = host::Host::below(root, &briefing.line())?;
    let mut out = io::stdout().lock();
    prober::child::run(&host, &wanted, briefing, &mut out)?;
    Ok(out.flush()?)
}
