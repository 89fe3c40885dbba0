//! The plan, phase by phase.
//!
//! 1. Without anything declared, or without a cluster that can be read, nothing is done (`gate`).
//! 2. Every declared node is matched with its Node by evidence, not by name alone (`matching`).
//! 3. What labels a node should have: topology, its own, the first true rule, defaults (`want`, `fact`).
//! 4. What is wanted is compared with what is there and whose it is (`ownership`): what differs becomes a wish, what
//!    is not ours a wait (`labels`, `taints`).
//! 5. A wish needs consent: policy, pauses, who uses the label (`consent`, `users`).
//! 6. What takes from more than one node at a time needs a person (`brake`).
//! 7. What is left becomes one write a Node; everything else gets its reason (`outcome`).

use alloc::vec::Vec;

use coord_model::Moment;

use crate::{Desired, Observed, Plan};

mod brake;
mod consent;
mod fact;
mod gate;
mod index;
mod labels;
mod matching;
mod outcome;
mod ownership;
mod reason;
mod rows;
mod taints;
mod users;
mod want;
mod wish;
mod words;

use wish::Work;
use words::Words;

/// What one turn looks at.
#[derive(Clone, Copy)]
struct Turn<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    now: Moment,
}

/// Decides. Without anything desired nothing is done, and what Coord owns stays as it is.
#[must_use]
pub fn plan(desired: Option<&Desired>, observed: &Observed, now: Moment) -> Plan {
    let mut plan = Plan::default();
    let turn = desired.and_then(|desired| gate::open(desired, observed, now, &mut plan));
    match turn {
        Some(turn) => decide(&turn, &mut plan),
        None if desired.is_none() => {
            plan.waits.extend(gate::frozen(&observed.kubernetes));
            plan.problems.extend(gate::unreachable(&observed.kubernetes.reach));
        }
        None => {}
    }
    in_order(&mut plan);
    plan
}

/// Phases 2 to 7.
fn decide<'a>(turn: &Turn<'a>, plan: &mut Plan) {
    let (keys, words) = (want::rule_keys(turn.desired), Words::default());
    let mut works: Vec<Work<'a>> = Vec::new();
    let all = matching::matched(turn, plan);
    // About as many labels as a node of a home has; growing a long list costs more than the labels.
    plan.kept.reserve(all.len() * 6);
    for matched in all {
        if gate::ready(matched.node, plan) {
            let work = wish::work(turn, &keys, &words, &matched, plan);
            works.extend((!work.is_done()).then_some(work));
        }
    }
    consent::ask(turn, &mut works, plan);
    brake::hold(turn, &mut works);
    consent::renew_surveys(turn, &mut works, plan);
    wish::join_twins(&mut works);
    outcome::write(turn, works, plan);
}

fn in_order(plan: &mut Plan) {
    let key =
        |wait: &crate::TimedWait| (wait.wait.subject.clone(), wait.wait.reason.clone(), wait.wait.message.clone());
    plan.waits.sort_by_cached_key(key);
    plan.questions.sort();
    plan.questions.dedup();
    plan.problems.sort();
    plan.kept.sort_by(|a, b| (&a.node, a.taint, &a.key).cmp(&(&b.node, b.taint, &b.key)));
}
