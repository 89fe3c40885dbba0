//! Where log lines go: the journal when standard error is connected to it, standard error otherwise.

use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// Starts logging. `systemd-journal-logger` detects the journal and serves what depends on `log`; `tracing-journald`
/// keeps the fields of our own lines.
pub(crate) fn start() {
    let level = std::env::var("COORD_AGENT_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let journal = systemd_journal_logger::connected_to_journal().then(tracing_journald::layer).and_then(Result::ok);
    match journal {
        Some(layer) => {
            if let Ok(logger) = systemd_journal_logger::JournalLog::new() {
                log::set_max_level(log::LevelFilter::Warn);
                // A logger that was installed before stays.
                let _ = logger.install();
            }
            let _ = registry().with(level).with(layer).try_init();
        }
        None => {
            let layer =
                tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
            let _ = registry().with(level).with(layer).try_init();
        }
    }
}
