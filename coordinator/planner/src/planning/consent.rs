//! Whether a wish may be carried out now. The first answer that is not yes counts, in the order of [`judge`].

use alloc::{format, string::String};
use core::time::Duration;

use coord_model::Boot;

use super::{
    Turn,
    ownership::TWINS,
    users,
    wish::{Need, Verdict, Wish, Work},
};
use crate::{Change, Consent, Plan, Survey, TaintEffect, WriteLease};

/// So old a survey may be when its label is taken.
const SURVEY_AGE: Duration = Duration::from_secs(60);
/// While a person is asked, one that is older is renewed: what is approved is what is so.
const SHOWN_AGE: Duration = Duration::from_secs(30);
/// So long a Node is left alone after the cluster refused a write to it.
const BACK_OFF: Duration = Duration::from_secs(60);

/// Gives every wish its verdict. What must be asked of the cluster first stands in the plan's questions.
pub(super) fn ask(turn: &Turn<'_>, works: &mut [Work<'_>], plan: &mut Plan) {
    for work in works {
        let barred = barred(turn, work);
        let (name, host) = (work.name, &work.node.name);
        for wish in work.labels.iter_mut().chain(&mut work.taints) {
            let subjects = [wish.change.subject(), wish.change.subject_on(name)];
            let held = barred.clone().or_else(|| paused(turn, name, host, &subjects));
            wish.verdict = held.unwrap_or_else(|| judge(turn, wish, plan));
        }
        work.stale &= barred.is_none() && paused(turn, work.name, &work.node.name, &[]).is_none() && adopted(turn);
    }
}

/// What holds for everything on one Node.
fn barred(turn: &Turn<'_>, work: &Work<'_>) -> Option<Verdict> {
    if !may_write(turn) {
        return Some(Verdict::NoLease);
    }
    match turn.desired.policy.labels {
        Consent::Off => Some(Verdict::Off),
        Consent::Auto | Consent::Approve => refused(turn, &work.node.name).map(|_| Verdict::Refused),
    }
}

fn may_write(turn: &Turn<'_>) -> bool {
    match &turn.observed.kubernetes.lease {
        WriteLease::Held { until } => *until > turn.now.boot,
        WriteLease::Other { .. } | WriteLease::Asking | WriteLease::Refused { .. } => false,
    }
}

/// Until when this Node is left alone.
pub(super) fn refused(turn: &Turn<'_>, node: &str) -> Option<Boot> {
    let until = turn.observed.kubernetes.refusals.get(node)?.at.plus(BACK_OFF);
    (until > turn.now.boot).then_some(until)
}

/// The pause that covers a change, or the whole Node: everything, labels, the node by either name, the thing itself.
fn paused(turn: &Turn<'_>, name: &str, host: &str, subjects: &[String]) -> Option<Verdict> {
    let paused = &turn.observed.decisions.paused;
    if paused.is_empty() {
        return None;
    }
    let nodes = [format!("node/{name}"), format!("node/{host}")];
    let wide = ["", "labels", name, host].into_iter().chain(nodes.iter().map(String::as_str));
    let found = wide.chain(subjects.iter().map(String::as_str)).find(|subject| paused.contains_key(*subject))?;
    Some(Verdict::Paused(found.into()))
}

/// One wish on a Node that may be written. How old its survey is counts last, in [`renew_surveys`].
fn judge(turn: &Turn<'_>, wish: &mut Wish, plan: &mut Plan) -> Verdict {
    let label = users::asked(&wish.change);
    let survey = label.as_ref().and_then(|at| turn.observed.kubernetes.surveys.get(at));
    if survey.is_none() && label.is_some() {
        plan.questions.extend(label);
        return Verdict::Survey;
    }
    survey.into_iter().for_each(|survey| users::name(&mut wish.change, survey));
    let approved = approved(turn, &wish.change);
    match need(turn, wish, survey) {
        Some(need) if !approved => Verdict::Ask(need),
        Some(_) | None => Verdict::Act { approved },
    }
}

/// Whatever would be taken now needs a new survey if its own is old; what waits for a person gets one now and then.
pub(super) fn renew_surveys(turn: &Turn<'_>, works: &mut [Work<'_>], plan: &mut Plan) {
    for wish in works.iter_mut().flat_map(Work::wishes_mut) {
        let Some(label) = users::asked(&wish.change) else { continue };
        let survey = turn.observed.kubernetes.surveys.get(&label);
        let age = survey.map_or(Duration::MAX, |survey| turn.now.boot.since(survey.at));
        match wish.verdict {
            Verdict::Act { .. } if age > SURVEY_AGE => {
                plan.questions.push(label);
                wish.verdict = Verdict::Survey;
            }
            Verdict::Ask(_) if age > SHOWN_AGE => plan.questions.push(label),
            Verdict::Act { .. }
            | Verdict::Ask(_)
            | Verdict::Off
            | Verdict::Paused(_)
            | Verdict::NoLease
            | Verdict::Survey
            | Verdict::Refused => {}
        }
    }
}

/// Approvals are given by the wall clock, since they outlive a restart.
fn approved(turn: &Turn<'_>, change: &Change) -> bool {
    let approved = &turn.observed.decisions.approved;
    !approved.is_empty() && approved.get(&change.content()).is_some_and(|until| *until > turn.now.wall)
}

fn adopted(turn: &Turn<'_>) -> bool {
    let cluster = turn.observed.kubernetes.cluster.as_ref();
    cluster.is_some_and(|cluster| turn.observed.decisions.adopted.contains(cluster))
}

/// Why a person must agree, if one must.
fn need(turn: &Turn<'_>, wish: &Wish, survey: Option<&Survey>) -> Option<Need> {
    if !adopted(turn) {
        return Some(Need::FirstTurn);
    }
    if moves(&wish.change) {
        return Some(Need::Place);
    }
    if evicts(&wish.change) {
        return Some(Need::Evicts);
    }
    if !wish.gladly && survey.is_some_and(|survey| users::others(survey).next().is_some()) {
        return Some(Need::Users);
    }
    match turn.desired.policy.labels {
        Consent::Auto | Consent::Off => None,
        Consent::Approve => Some(Need::Policy),
    }
}

/// Whether a Node leaves a zone or region that it was in.
fn moves(change: &Change) -> bool {
    let place = |key: &str| TWINS[..2].iter().any(|(stable, old)| key == *stable || key == *old);
    match change {
        Change::SetLabel { key, before: Some(before), .. } => place(key) && !before.is_empty(),
        Change::RemoveLabel { key, value, .. } => place(key) && !value.is_empty(),
        Change::SetLabel { before: None, .. } | Change::SetTaint { .. } | Change::RemoveTaint { .. } => false,
    }
}

/// Whether pods that run on the Node would have to go.
fn evicts(change: &Change) -> bool {
    match change {
        Change::SetTaint { taint, .. } => match taint.effect {
            TaintEffect::NoExecute => true,
            TaintEffect::NoSchedule | TaintEffect::PreferNoSchedule => false,
        },
        Change::SetLabel { .. } | Change::RemoveLabel { .. } | Change::RemoveTaint { .. } => false,
    }
}
