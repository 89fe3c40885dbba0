//! `coord-agent join`: a token from a prompt or standard input, an identity, the service started, and what is wrong.

use std::{
    io::{self, Write},
    path::Path,
};

use coord_model::{AnySection, Report, SectionKind, diagnose::diagnose};
use coord_proto::{identity::Identity, random_number, token::Token};
use nix::fcntl::{AT_FDCWD, AtFlags};

use crate::{
    arguments::RunArguments,
    enrol::{self, EnrolFailure},
    prober::Prober,
    session::evidence,
    settings::Settings,
    show,
    unit::{self, UnitAnswer},
};

mod first_report;
mod prompt;

/// Why the machine did not join.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinFailure {
    /// The token could not be read.
    #[error("cannot read the token")]
    Token(#[source] io::Error),
    /// Ctrl-C at the prompt: nothing was done.
    #[error("interrupted")]
    Interrupted,
    /// This machine has an identity already.
    #[error("this machine is already {name}\nhint: to join it anew: coord-agent leave, then coord-agent join")]
    Already {
        /// Its name.
        name: String,
    },
    /// Enrolment failed.
    #[error(transparent)]
    Enrol(#[from] EnrolFailure),
    /// Anything of the system.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Joins, and prints what was done.
pub(crate) fn join(arguments: RunArguments) -> Result<(), JoinFailure> {
    let settings = Settings::load(arguments);
    let known = Identity::load(&settings.identity_file()).map_err(EnrolFailure::from)?;
    if let Some(identity) = known.filter(Identity::enrolled) {
        return Err(JoinFailure::Already { name: identity.name.clone() });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let joined = runtime.block_on(async {
        let token = enrol::parse(&prompt::token_text().await.map_err(unread)?)?;
        enrolled(&settings, &token).await
    });
    // A prompt that was left with Ctrl-C still waits for its line.
    runtime.shutdown_background();
    let (report, told) = joined?;
    start(&settings)?;
    problems(&report, told.as_deref())?;
    Ok(())
}

fn unread(error: io::Error) -> JoinFailure {
    match error.kind() {
        io::ErrorKind::Interrupted => JoinFailure::Interrupted,
        _ => JoinFailure::Token(error),
    }
}

/// Reads what the machine is, enrols, says both, and sends the first report. Gives it back, with the reason if the
/// coordinator does not have it yet.
async fn enrolled(settings: &Settings, token: &Token) -> Result<(Report, Option<String>), JoinFailure> {
    let mut prober = Prober::new(settings.root.clone(), settings.setting());
    let number = random_number().map_err(|_| io::Error::other("no random numbers"))?;
    let introduction = evidence::introduction(&mut prober, number).await;
    let identity = enrol::once(settings, token, &introduction).await?;
    let addresses = if settings.coordinators.is_empty() { &token.addresses } else { &settings.coordinators };
    let sections = prober.read(SectionKind::ALL).await;
    let told = first_report::tell(&identity, &introduction, sections.clone()).await;
    let report = report(sections);
    let platform = report.platform.as_ref().and_then(|section| section.facts.as_ref());
    let label = platform.and_then(|platform| platform.label.clone()).unwrap_or_else(|| "unknown platform".into());
    let machine: String = introduction.evidence.machine_id.chars().take(8).collect();
    let hours = identity.lifetime_seconds / 3600;
    let life = if hours > 0 { format!("{hours}h") } else { format!("{}s", identity.lifetime_seconds) };
    show::text(&format!(
        "coordinator   {}, its authority matches the token\nthis machine  {}, {label}, machine-id {machine}…\n\
         enrolled      certificate for {life}, renewed by itself\n",
        addresses.join(", "),
        identity.name,
    ))?;
    Ok((report, told.err()))
}

fn report(sections: Vec<AnySection>) -> Report {
    let mut report = Report::default();
    sections.into_iter().for_each(|section| report.put(section));
    report
}

/// Starts the service, or says how to run without one.
fn start(settings: &Settings) -> io::Result<()> {
    own_like_folder(&settings.state);
    let line = match unit::enable() {
        UnitAnswer::Done => {
            // One that ran already and waited for an identity looks again by itself; this only makes it quicker.
            let _ = unit::restart();
            "service       coord-agent started and enabled\n".to_owned()
        }
        UnitAnswer::Refused => {
            format!("service       not started: it refused; try: {}\n", unit::status_line())
        }
        UnitAnswer::None => {
            let state = match settings.state == Path::new(crate::settings::STATE_FOLDER) {
                true => String::new(),
                false => format!(" --state {}", settings.state.display()),
            };
            format!("service       none on this machine; run: coord-agent run{state}\n")
        }
    };
    show::text(&line)
}

/// The service runs as its own user, whose folder this is; root has written into it.
pub(crate) fn own_like_folder(state: &Path) {
    let Ok(folder) = nix::sys::stat::stat(state) else { return };
    let (user, group) = (folder.st_uid.into(), folder.st_gid.into());
    for path in ["identity.json", "identity.json.previous"].map(|name| state.join(name)) {
        // Without the right to give files away they are ours already. A link is not followed: the folder belongs to
        // the service's user, who must not be given somebody else's file.
        let _ = nix::unistd::fchownat(AT_FDCWD, &path, Some(user), Some(group), AtFlags::AT_SYMLINK_NOFOLLOW);
    }
}

/// What is wrong with this machine, in the words of `coord-agent check`.
fn problems(report: &Report, not_told: Option<&str>) -> io::Result<()> {
    let problems = diagnose(report);
    let count = problems.iter().filter(|problem| problem.degrades()).count();
    let found = match count {
        0 => "nothing is wrong".to_owned(),
        1 => "1 problem".to_owned(),
        more => format!("{more} problems"),
    };
    let mut text = match not_told {
        None => format!("first report  received: {found}\n"),
        Some(why) => format!("first report  not received yet ({why}): {found}\n"),
    };
    for problem in problems.iter().filter(|problem| problem.degrades()) {
        text.push_str(&format!("  {}  {}  {}\n", problem.severity.symbol(), problem.message, problem.code));
        if let Some(hint) = &problem.hint {
            text.push_str(&format!("     hint: {hint}\n"));
        }
    }
    show::text(&text)?;
    io::stdout().flush()
}
