//! What operators decide: approving a plan, pausing, and accepting a known risk.

use std::time::Duration;

use coord_model::{
    AcceptProblem, ApplyPlan, Code as ProblemCode, Done, PauseSubject, ResumeSubject, Severity, WithdrawProblem,
};
use coord_planner::{Accepted, Change, Held, Pause, may_be_accepted};
use coord_proto::refused::Refused;
use tonic::{Code, Status};

use crate::{
    planned::{Planned, change_id},
    refusal::refuse,
    state::State,
    views,
};

/// The longest time for which a risk can be accepted: a year, and a day for those who count in birthdays.
const LONGEST_ACCEPT: Duration = Duration::from_secs(366 * 24 * 3600);

/// A plan's id has so many characters.
const ID: usize = 8;

/// So many characters of a plan's id are enough to mean it.
const SHORTEST_ID: usize = 4;

/// Approves what waits in the plan that was looked at.
pub(super) async fn apply(state: &State, wish: ApplyPlan, by: &str) -> Result<Done, Status> {
    let planned = state.planned();
    let id = planned.id();
    if wish.plan.len() < SHORTEST_ID || !id.starts_with(&wish.plan) {
        return Err(another_plan(&wish.plan, &id));
    }
    let wanted = wanted(&planned, &wish.changes)?;
    if wanted.is_empty() {
        return Ok(Done { message: nothing(state, &planned) });
    }
    let (contents, count) = (wanted.iter().map(|change| change.content()).collect(), wanted.len());
    let now = state.wall();
    state.decisions.approve(contents, by, now).await.map_err(|error| refuse(&error))?;
    // Whoever approves a part of a plan has not agreed to the rest of it.
    if let (Some(cluster), true) = (&planned.cluster, wish.changes.is_empty()) {
        state.decisions.adopt(cluster, by, now).await.map_err(|error| refuse(&error))?;
    }
    let changes = if count == 1 { "1 change".to_owned() } else { format!("{count} changes") };
    state.event("kubernetes", &format!("plan {id}: {changes} approved by {by}"));
    Ok(Done { message: format!("plan {id}: {changes} approved, good for 24h") })
}

/// What was named is the plan no more, or never was one.
fn another_plan(named: &str, id: &str) -> Status {
    let was_one = named == "empty" || (named.len() == ID && named.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let what = if was_one {
        format!("the world changed: the plan is now {id}")
    } else {
        format!("there is no plan {}; the plan is now {id}", coord_model::clean(named))
    };
    Refused::new(what).hint("coordctl plan").into_status(Code::FailedPrecondition)
}

/// Why a plan has nothing to approve.
fn nothing(state: &State, planned: &Planned) -> String {
    let held = |wanted: Held| planned.plan.proposals.iter().filter(|proposal| proposal.held == wanted).count();
    let (paused, off) = (held(Held::Paused), held(Held::Off));
    let are = |count: usize| if count == 1 { "1 change is".to_owned() } else { format!("{count} changes are") };
    let decisions = state.decisions.current(state.moment());
    let first = decisions.paused.keys().next().map(String::as_str).unwrap_or_default();
    let resume = format!("coordctl resume {first}");
    match (paused, off) {
        (0, 0) => format!("nothing of plan {} waits for approval", planned.id()),
        (0, off) => format!("nothing approved: {} off by the policy of the cluster file", are(off)),
        (paused, 0) => format!("nothing approved: {} paused; {}", are(paused), resume.trim_end()),
        (paused, off) => {
            format!("nothing approved: {} paused and {} off by policy; {}", are(paused), are(off), resume.trim_end())
        }
    }
}

/// The changes that wait for approval: those that are named, or all.
fn wanted<'a>(planned: &'a Planned, ids: &[String]) -> Result<Vec<&'a Change>, Status> {
    let proposals = &planned.plan.proposals;
    if ids.is_empty() {
        let open = proposals.iter().filter(|proposal| needs_approval(proposal.held));
        return Ok(open.map(|proposal| &proposal.change).collect());
    }
    ids.iter()
        .map(|id| {
            let found = proposals.iter().find(|proposal| change_id(&proposal.change) == *id);
            let proposal = found.ok_or_else(|| {
                let shown = coord_model::clean(id);
                let refused = Refused::new(format!("no change `{shown}` waits in this plan"));
                refused.hint("coordctl plan -o json").into_status(Code::NotFound)
            })?;
            let subject = proposal.change.subject();
            match proposal.held {
                Held::NeedsApproval | Held::NoLease => Ok(&proposal.change),
                Held::Off => Err(Refused::new(format!("the policy of the cluster file keeps {subject} off"))
                    .hint("set `policy: {labels: approve}` in the cluster file")
                    .into_status(Code::FailedPrecondition)),
                Held::Paused => Err(Refused::new(format!("{subject} is paused"))
                    .hint(format!("coordctl why {subject}"))
                    .into_status(Code::FailedPrecondition)),
            }
        })
        .collect()
}

/// Whether an approval has any effect. One for a change that only lacks the Lease counts when the Lease is there.
fn needs_approval(held: Held) -> bool {
    match held {
        Held::NeedsApproval | Held::NoLease => true,
        Held::Off | Held::Paused => false,
    }
}

/// Nothing is done about a subject from now on.
pub(super) async fn pause(state: &State, wish: PauseSubject, by: &str) -> Result<Done, Status> {
    let subject = subject(state, &wish.subject, "paused")?;
    let before = state.decisions.current(state.moment()).paused.remove(&subject);
    if let Some(before) = before.filter(|_| wish.reason.is_empty()) {
        return Ok(Done { message: already(&subject, &before) });
    }
    let pause = Pause { by: by.to_owned(), reason: wish.reason.clone(), at: state.wall() };
    state.decisions.pause(&subject, pause).await.map_err(|error| refuse(&error))?;
    let why = if wish.reason.is_empty() { String::new() } else { format!(": {}", wish.reason) };
    state.event(noted(&subject), &format!("paused by {by}{why}"));
    let typed = if subject.is_empty() { String::new() } else { format!(" {subject}") };
    Ok(Done { message: format!("{} is paused until: coordctl resume{typed}", named(&subject)) })
}

/// A pause is not ended by another one, nor is its reason forgotten.
fn already(subject: &str, pause: &Pause) -> String {
    let why = if pause.reason.is_empty() { String::new() } else { format!(": {}", pause.reason) };
    format!("{} is paused already, since {} by {}{why}", named(subject), pause.at.rfc3339(), pause.by)
}

/// It goes on. Of a label whose fact was frozen, the fact goes on too.
pub(super) async fn resume(state: &State, wish: ResumeSubject, by: &str) -> Result<Done, Status> {
    let subject = subject(state, &wish.subject, "resumed")?;
    let was_paused = state.decisions.resume(&subject).await.map_err(|error| refuse(&error))?;
    let frozen = frozen_rules(state, &subject);
    if let Some((node, rules)) = &frozen {
        state.decisions.resume_facts(node, rules.clone()).await.map_err(|error| refuse(&error))?;
    }
    if !was_paused && frozen.is_none() {
        return Err(Refused::new(format!("{} is neither paused nor frozen", named(&subject)))
            .hint("coordctl status lists what is, under Waiting")
            .into_status(Code::FailedPrecondition));
    }
    state.event(noted(&subject), &format!("resumed by {by}"));
    Ok(Done { message: format!("{} goes on", named(&subject)) })
}

/// The node and the rules of a label that is frozen because its fact changed too often.
fn frozen_rules(state: &State, subject: &str) -> Option<(String, Vec<String>)> {
    let (node, key) = subject.strip_prefix("label/")?.split_once('/')?;
    let planned = state.planned();
    planned.plan.problems.iter().find(|problem| problem.subject == subject)?;
    let desired = state.declared.desired()?;
    let rules = desired.rules.iter().filter(|rule| rule.set.contains_key(key));
    Some((node.to_owned(), rules.map(|rule| rule.text.clone()).collect()))
}

/// What can be paused and resumed, as the planner calls it.
fn subject(state: &State, text: &str, verb: &str) -> Result<String, Status> {
    // A Node may have another name than the machine that it is.
    let nodes = state.kubernetes.observed().nodes;
    let known = |node: &str| views::is_known(state, node) || nodes.contains_key(node);
    let parts: Vec<&str> = text.splitn(3, '/').collect();
    match parts.as_slice() {
        [""] | ["labels"] => Ok(text.to_owned()),
        [node] | ["node", node] if known(node) => Ok(format!("node/{node}")),
        ["label" | "taint", node, key] if known(node) && !key.is_empty() => Ok(text.to_owned()),
        ["node", node] | ["label" | "taint", node, _] if !known(node) => Err(views::no_such_node(node)),
        _ => Err(Refused::new(format!("there is no subject `{}` that could be {verb}", coord_model::clean(text)))
            .hint("write labels, node/NAME, label/NODE/KEY or taint/NODE/KEY, or nothing for everything")
            .into_status(Code::NotFound)),
    }
}

fn named(subject: &str) -> &str {
    if subject.is_empty() { "everything" } else { subject }
}

/// Under which subject an event about it stands.
fn noted(subject: &str) -> &str {
    if subject.is_empty() { "coordinator" } else { subject }
}

/// Takes a known risk: as bad as it is now, and no worse.
pub(super) async fn accept(state: &State, wish: AcceptProblem, by: &str) -> Result<Done, Status> {
    let code = code(&wish.code)?;
    let subject = bare(&wish.subject).to_owned();
    if !may_be_accepted(code) {
        return Err(Refused::new(format!("{code} cannot be accepted: without a quorum nothing else counts"))
            .hint(format!("coordctl explain {code}"))
            .into_status(Code::FailedPrecondition));
    }
    let now = state.wall();
    let left = now.until(wish.until);
    if left.is_zero() || left > LONGEST_ACCEPT {
        return Err(Refused::new("a risk is accepted until a day in the future, at most a year away")
            .hint("--until 7d, or --until 2027-01-31")
            .into_status(Code::InvalidArgument));
    }
    if wish.reason.trim().is_empty() {
        return Err(Refused::new("a risk is accepted with a reason")
            .hint("--reason TEXT")
            .into_status(Code::InvalidArgument));
    }
    let severity = present(state, code, &subject)?;
    let (until, reason) = (wish.until, wish.reason);
    let date = until.rfc3339();
    let accepted = Accepted { code, subject: subject.clone(), severity, until, reason, by: by.to_owned() };
    let told = format!("{code} accepted until {date} by {by}: {}", accepted.reason);
    state.decisions.accept(accepted, now).await.map_err(|error| refuse(&error))?;
    state.event(&views::event_subject(state, &subject), &told);
    Ok(Done { message: format!("{subject}: {code} is accepted until {date}, unless it gets worse") })
}

/// How bad the problem is now, the worst where there are several.
fn present(state: &State, code: ProblemCode, subject: &str) -> Result<Severity, Status> {
    let problems = views::problems(state);
    let same = problems.iter().filter(|problem| problem.code == code && problem.subject == subject);
    same.map(|problem| problem.severity).min().ok_or_else(|| {
        Refused::new(format!("{} has no problem {code} now", coord_model::clean(subject)))
            .hint("coordctl status shows subjects and codes")
            .into_status(Code::NotFound)
    })
}

/// Takes an accepted risk back.
pub(super) async fn withdraw(state: &State, wish: WithdrawProblem, by: &str) -> Result<Done, Status> {
    let code = code(&wish.code)?;
    let subject = bare(&wish.subject);
    let was = state.decisions.withdraw(code, subject).await.map_err(|error| refuse(&error))?;
    if !was {
        return Err(Refused::new(format!("{code} of {} is not accepted", coord_model::clean(subject)))
            .hint("coordctl status marks what is with an `a`")
            .into_status(Code::NotFound));
    }
    state.event(&views::event_subject(state, subject), &format!("{code} not accepted any more, by {by}"));
    Ok(Done { message: format!("{subject}: {code} counts again") })
}

fn code(text: &str) -> Result<ProblemCode, Status> {
    ProblemCode::ALL.iter().copied().find(|code| code.as_str() == text).ok_or_else(|| {
        Refused::new(format!("there is no code `{}`", coord_model::clean(text)))
            .hint("coordctl explain --list")
            .into_status(Code::InvalidArgument)
    })
}

/// Problems of nodes are listed under the bare name.
fn bare(subject: &str) -> &str {
    subject.strip_prefix("node/").unwrap_or(subject)
}

#[cfg(test)]
mod tests;
