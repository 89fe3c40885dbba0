//! Which GPUs are tested now, which are left alone, and what is remembered of each.
//!
//! A GPU is opened once after it changed and only while it is awake; one that sleeps keeps its last verdict with its
//! age. What is known to work is tested again after ten minutes, what does not work each time.

use std::collections::BTreeMap;

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Codecs, GpuAccess},
};
use serde::{Deserialize, Serialize};

use super::{
    Subject,
    access::{self, Place},
};
use crate::host::{Answer, BinaryStamp, GpuAnswers, GpuRequest, HelperGpu, Host};

/// Seconds after which a verdict is tested again.
const RETEST: f64 = 600.0;

/// What must be as it was for a verdict to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GpuStamp {
    driver: String,
    driver_version: String,
    /// Path, number, owner and mode of the node.
    node: String,
    /// What would be asked for codecs.
    vainfo: Option<BinaryStamp>,
}

/// What the last test of one GPU said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GpuVerdict {
    stamp: GpuStamp,
    /// When, on the boot clock.
    boot_seconds: f64,
    access: GpuAccess,
    /// The last real open.
    opened: Answer<bool>,
    open_detail: Answer<String>,
    /// What the driver said of its codecs; none where nobody asked it.
    codecs: Option<Answer<Codecs>>,
}

/// What is known of one GPU now.
pub(super) struct Known {
    pub(super) access: GpuAccess,
    pub(super) opened: Reading<bool>,
    pub(super) open_detail: Reading<String>,
    pub(super) codecs: Option<Reading<Codecs>>,
    pub(super) seconds: Reading<f64>,
}

/// What is to be done with one GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Plan {
    test: bool,
    open: bool,
    codecs: bool,
}

/// Tests what has to be tested in one request, and remembers it.
pub(super) fn verdicts(
    host: &Host,
    subjects: &[Subject],
    memory: &mut BTreeMap<String, GpuVerdict>,
    demanded: bool,
) -> Vec<Known> {
    memory.retain(|address, _| subjects.iter().any(|subject| subject.address == *address));
    let now = host.boot_seconds();
    let vainfo = host.vainfo_binary().ok();
    let stamps: Vec<GpuStamp> = subjects.iter().map(|subject| stamp(subject, vainfo.as_ref())).collect();
    let plans: Vec<Plan> = subjects
        .iter()
        .zip(&stamps)
        .map(|(subject, stamp)| {
            let last = memory.get(&subject.address).filter(|last| last.stamp == *stamp);
            let age = last.zip(now.as_ref().ok()).map(|(last, now)| now - last.boot_seconds);
            let now = Now {
                age,
                awake: subject.awake().is_ok(),
                demanded,
                vainfo: vainfo.is_some() && subject.can_transcode,
            };
            plan(last, &now)
        })
        .collect();
    let answers = ask(host, subjects, &plans);
    let done = subjects.iter().zip(stamps).zip(plans).map(|((subject, stamp), plan)| {
        let Ok(place) = &subject.place else { return without_test(subject) };
        if plan.test {
            let last = memory.get(&subject.address).filter(|last| last.stamp == stamp).cloned();
            let verdict = tested(host, subject, place, stamp, (&answers, plan), last, now.clone().unwrap_or(0.0));
            memory.insert(subject.address.clone(), verdict);
        }
        match memory.get(&subject.address) {
            Some(verdict) => verdict.known(&now),
            None => without_test(subject),
        }
    });
    done.collect()
}

fn stamp(subject: &Subject, vainfo: Option<&BinaryStamp>) -> GpuStamp {
    let node = subject.place.as_ref().map_or_else(
        |_| String::new(),
        |place| {
            let node = &place.node;
            let (major, minor) = (node.major, node.minor);
            format!("{} {major}:{minor} {}:{} {:o}", place.path, node.user, node.group, node.mode)
        },
    );
    GpuStamp {
        driver: subject.driver.clone().unwrap_or_default(),
        driver_version: subject.driver_version.clone().unwrap_or_default(),
        node,
        vainfo: vainfo.cloned(),
    }
}

/// How things are for one GPU.
struct Now {
    /// Seconds since the last verdict.
    age: Option<f64>,
    awake: bool,
    /// Somebody asked to know it now.
    demanded: bool,
    /// Whether its driver could be asked for codecs.
    vainfo: bool,
}

/// What has to be done, given the last verdict about the same device.
fn plan(last: Option<&GpuVerdict>, now: &Now) -> Plan {
    let Some(last) = last else { return Plan { test: true, open: now.awake, codecs: now.awake && now.vainfo } };
    if !now.awake {
        return Plan::default();
    }
    // A clock that went backwards is as good as an old verdict.
    let old = now.demanded || now.age.is_none_or(|age| !(0.0..RETEST).contains(&age));
    // Asleep then, or without a helper then: both cost nothing to ask again.
    let again = |state: ValueState| matches!(state, ValueState::Asleep | ValueState::Denied) || old;
    let (opened, open) = match last.opened.reading() {
        Ok(true) => (true, now.demanded),
        Ok(false) => (false, old),
        Err(unknown) => (false, again(unknown.state)),
    };
    let unasked = match last.codecs.as_ref().map(Answer::reading) {
        Some(Ok(_)) => false,
        Some(Err(unknown)) => again(unknown.state),
        None => true,
    };
    let codecs = now.vainfo && unasked && (opened || open);
    let usable = (last.access.usable_by_root, last.access.usable_by_group) == (Some(true), Some(true));
    Plan { test: open || codecs || old || !usable, open, codecs }
}

/// One request for all nodes that are tested.
fn ask(host: &Host, subjects: &[Subject], plans: &[Plan]) -> Reading<GpuAnswers> {
    let paths = |wanted: fn(&Plan) -> bool| -> Vec<String> {
        let rows = subjects.iter().zip(plans).filter(|(_, plan)| plan.test && wanted(plan));
        rows.filter_map(|(subject, _)| subject.place.as_ref().ok())
            .filter(|place| place.drm)
            .map(|place| place.path.clone())
            .collect()
    };
    let request =
        GpuRequest { nodes: paths(|_| true), open: paths(|plan| plan.open), codecs: paths(|plan| plan.codecs) };
    if request.nodes.is_empty() {
        return Ok(GpuAnswers::new());
    }
    host.helper_gpu(&request)
}

/// A fresh verdict. What was not done this time stays from the last one.
fn tested(
    host: &Host,
    subject: &Subject,
    place: &Place,
    stamp: GpuStamp,
    (answers, plan): (&Reading<GpuAnswers>, Plan),
    last: Option<GpuVerdict>,
    now: f64,
) -> GpuVerdict {
    let helper = answers.as_ref().ok().and_then(|answers| answers.get(&place.path));
    let opened = match (helper, answers) {
        _ if !place.drm => Err(Unknown::not_applicable("opening its node would start the card")),
        _ if !plan.open => Err(unopened(subject)),
        (Some(HelperGpu { open: Some(open), .. }), _) => open.reading(),
        (Some(_), _) | (None, Ok(_)) => Err(unopened(subject)),
        (None, Err(unknown)) => Err(unknown.clone()),
    };
    let kept = last.as_ref().filter(|_| !plan.open).map(|last| (last.opened.clone(), last.open_detail.clone()));
    let (opened, open_detail) = kept.unwrap_or_else(|| {
        let detail = opened.clone().and_then(|access| {
            access.errno.ok_or_else(|| Unknown::not_applicable("it opened")).map(|errno| explained(&place.path, &errno))
        });
        (opened.map(|access| access.errno.is_none()).into(), detail.into())
    });
    let codecs = helper.and_then(|helper| helper.codecs.clone()).filter(|_| opened.reading() == Ok(true));
    GpuVerdict {
        stamp,
        boot_seconds: now,
        access: access::access(host, place, helper),
        opened,
        open_detail,
        codecs: codecs.or_else(|| last.and_then(|last| last.codecs)),
    }
}

/// Why a node was not opened although the helper answered.
fn unopened(subject: &Subject) -> Unknown {
    match subject.awake() {
        Err(unknown) => unknown,
        Ok(()) => Unknown::error("coord-helper was asked to open it and did not say how it went"),
    }
}

fn explained(path: &str, errno: &str) -> String {
    let meaning = match errno {
        "ENXIO" | "ENODEV" => "no device is behind the node",
        "EPERM" => "the device cgroup refuses it",
        "EACCES" => "its mode or a nodev mount refuses it",
        "EBUSY" => "somebody holds it alone",
        _ => "the driver refuses it",
    };
    format!("{path}: {errno}, {meaning}")
}

/// A device that has no node to be tested.
fn without_test(subject: &Subject) -> Known {
    let access = subject.place.as_ref().err().map(|access| (**access).clone()).unwrap_or_default();
    let why = || Unknown::absent("there is no node to be opened");
    Known { access, opened: Err(why()), open_detail: Err(why()), codecs: None, seconds: Err(why()) }
}

impl GpuVerdict {
    fn known(&self, now: &Reading<f64>) -> Known {
        Known {
            access: self.access.clone(),
            opened: self.opened.reading(),
            open_detail: self.open_detail.reading(),
            codecs: self.codecs.as_ref().map(Answer::reading),
            seconds: now.clone().map(|now| (now - self.boot_seconds).max(0.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(opened: Reading<bool>, codecs: Option<Reading<Codecs>>) -> GpuVerdict {
        let access = GpuAccess { usable_by_root: Some(true), usable_by_group: Some(true), ..GpuAccess::default() };
        GpuVerdict {
            stamp: GpuStamp::default(),
            boot_seconds: 0.0,
            access,
            opened: opened.into(),
            open_detail: Err(Unknown::absent("")).into(),
            codecs: codecs.map(Into::into),
        }
    }

    fn asleep<T>() -> Reading<T> {
        Err(Unknown::new(ValueState::Asleep, "suspended"))
    }

    fn now(age: f64) -> Now {
        Now { age: Some(age), awake: true, demanded: false, vainfo: true }
    }

    #[test]
    fn what_is_new_is_tested_and_opened_only_while_awake() {
        assert_eq!(plan(None, &Now { age: None, ..now(0.0) }), Plan { test: true, open: true, codecs: true });
        let asleep = Now { age: None, awake: false, demanded: true, vainfo: true };
        assert_eq!(plan(None, &asleep), Plan { test: true, open: false, codecs: false });
    }

    #[test]
    fn what_works_is_left_alone_and_what_sleeps_always() {
        let fine = verdict(Ok(true), Some(Ok(Codecs::default())));
        assert_eq!(plan(Some(&fine), &now(60.0)), Plan::default());
        assert_eq!(plan(Some(&fine), &now(RETEST)), Plan { test: true, open: false, codecs: false });
        assert_eq!(plan(Some(&fine), &Now { awake: false, demanded: true, ..now(1e9) }), Plan::default());
        assert!(plan(Some(&fine), &Now { demanded: true, ..now(1.0) }).open, "asked for, and awake");
        assert!(plan(Some(&fine), &now(-5.0)).test, "the clock went backwards");
        let no_vainfo = verdict(Ok(true), None);
        assert_eq!(plan(Some(&no_vainfo), &Now { vainfo: false, ..now(60.0) }), Plan::default());
    }

    #[test]
    fn what_slept_is_opened_when_it_wakes_and_what_failed_not_at_once() {
        let slept = verdict(asleep(), None);
        assert_eq!(plan(Some(&slept), &now(1.0)), Plan { test: true, open: true, codecs: true });
        let alone = verdict(Err(Unknown::denied("no helper")), None);
        assert!(plan(Some(&alone), &now(1.0)).open);
        let failed = verdict(Ok(false), Some(Err(Unknown::error("no driver"))));
        assert!(!plan(Some(&failed), &now(1.0)).open);
        assert!(plan(Some(&failed), &now(RETEST)).open);
    }

    #[test]
    fn what_is_refused_is_asked_again_each_time_without_an_open() {
        let mut refused = verdict(Ok(false), Some(Ok(Codecs::default())));
        refused.access.usable_by_group = Some(false);
        assert_eq!(plan(Some(&refused), &now(1.0)), Plan { test: true, open: false, codecs: false });
    }
}
