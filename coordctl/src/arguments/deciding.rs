//! The arguments of the verbs with which a person decides: plans, pauses, known risks, adoptions.

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::duration;

const APPLY_EXAMPLES: &str = "Examples:\n\
    \x20 coordctl apply             shows the plan and asks\n\
    \x20 coordctl apply 7f3c12ab    the plan that was looked at, or nothing\n\
    \x20 coordctl apply --yes       whatever the plan is now";

const PAUSE_EXAMPLES: &str = "Examples:\n\
    \x20 coordctl pause --reason 'moving the rack'    everything\n\
    \x20 coordctl pause k3s-w3                        one node\n\
    \x20 coordctl pause label/k3s-w3/gpu              one label";

const RESUME_EXAMPLES: &str = "Examples:\n\
    \x20 coordctl resume                     ends the pause of everything\n\
    \x20 coordctl resume label/k3s-w3/gpu    ends its pause, or its freeze after too many changes";

const ACCEPT_EXAMPLES: &str = "Examples:\n\
    \x20 coordctl accept gpu-device-cgroup k3s-w3 --until 7d --reason 'new board on Friday'\n\
    \x20 coordctl accept gpu-device-cgroup k3s-w3 --withdraw";

const PLAN_EXAMPLES: &str = "Examples:\n\
    \x20 coordctl plan\n\
    \x20 coordctl plan --detailed-exitcode || coordctl apply";

/// `plan`.
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(crate) struct Plan {
    /// Exit with 6 when there is something to change, and with 0 when there is not
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Keep it on the screen and draw it again when it changes
    #[arg(long, conflicts_with = "detailed_exitcode")]
    pub(crate) watch: bool,
}

/// `apply`.
#[derive(Debug, Args)]
#[command(after_help = APPLY_EXAMPLES)]
pub(crate) struct Apply {
    /// The plan that was looked at; refused when it is another one by now
    pub(crate) plan: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only say what would be approved
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `pause`.
#[derive(Debug, Args)]
#[command(after_help = PAUSE_EXAMPLES)]
pub(crate) struct Pause {
    /// labels, node/NAME, label/NODE/KEY or taint/NODE/KEY; everything without it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) subject: Option<String>,
    /// Why, for whoever wonders
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `resume`.
#[derive(Debug, Args)]
#[command(after_help = RESUME_EXAMPLES)]
pub(crate) struct Resume {
    /// What was paused or frozen; the pause of everything without it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) subject: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `accept`.
#[derive(Debug, Args)]
#[command(after_help = ACCEPT_EXAMPLES)]
pub(crate) struct Accept {
    /// The code of the problem
    pub(crate) code: String,
    /// What it is about, as status shows it
    pub(crate) subject: String,
    /// The last day on which it is accepted, or for how long: 2027-01-31, 7d
    #[arg(long, value_parser = until, value_name = "DATE|TIME", required_unless_present = "withdraw")]
    pub(crate) until: Option<Timestamp>,
    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "withdraw")]
    pub(crate) reason: Option<String>,
    /// Take it back: the problem counts again
    #[arg(long, conflicts_with_all = ["until", "reason"])]
    pub(crate) withdraw: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `label`.
#[derive(Debug, Subcommand)]
pub(crate) enum Label {
    /// Take over a label that somebody else set on a Node; from then on Coord keeps it
    #[command(after_help = "Examples:\n  coordctl label adopt k3s-w2 gpu\n  coordctl label adopt k3s-w2 --all")]
    Adopt(LabelAdopt),
}

/// `label adopt`.
#[derive(Debug, Args)]
pub(crate) struct LabelAdopt {
    /// The node
    pub(crate) node: String,
    /// The label's key
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) key: Option<String>,
    /// Every label that Coord wants on it and somebody else owns
    #[arg(long)]
    pub(crate) all: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `taint`.
#[derive(Debug, Subcommand)]
pub(crate) enum Taint {
    /// Take over a taint that was on a Node before Coord; from then on Coord keeps it
    #[command(after_help = "Example:\n  coordctl taint adopt k3s-w2 gpu")]
    Adopt(TaintAdopt),
}

/// `taint adopt`.
#[derive(Debug, Args)]
pub(crate) struct TaintAdopt {
    /// The node
    pub(crate) node: String,
    /// The taint's key, with or without its effect
    pub(crate) key: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A time from now, or the end of a day where this person is.
fn until(text: &str) -> Result<Timestamp, String> {
    until_from(text, Timestamp::now(), &TimeZone::system())
}

fn until_from(text: &str, now: Timestamp, here: &TimeZone) -> Result<Timestamp, String> {
    let far = || format!("`{text}` is too far away: a risk is accepted for a year at most");
    if let Ok(span) = duration(text) {
        let span = jiff::SignedDuration::try_from(span).map_err(|_| far())?;
        return now.checked_add(span).map_err(|_| far());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong = |_| format!("`{text}` is neither a day nor a time: write for instance 2027-01-31 or 7d");
    let day: Date = text.parse().map_err(wrong)?;
    let end = day.tomorrow().and_then(|next| next.to_zoned(here.clone())).map_err(wrong)?;
    Ok(end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_person_is_and_a_time_is_counted_from_now() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let here = TimeZone::fixed(jiff::tz::offset(2));
        let end = |text| until_from(text, now, &here).map(|time| time.to_string());
        assert_eq!(end("7d").as_deref(), Ok("2026-11-30T12:00:00Z"));
        assert_eq!(end("2027-01-31").as_deref(), Ok("2027-01-31T22:00:00Z"));
        assert_eq!(end("2027-01-31T08:00:00Z").as_deref(), Ok("2027-01-31T08:00:00Z"));
        let far = "`99999999999d` is too far away: a risk is accepted for a year at most";
        assert_eq!(end("99999999999d").unwrap_err(), far);
        for wrong in ["", "soon", "7", "2027-02-30", "99999999999999999d"] {
            assert!(end(wrong).is_err(), "{wrong}");
        }
    }
}
