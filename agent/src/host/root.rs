//! What the root helper answers, of this machine or of a recorded host.

use std::{
    thread,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown};

use super::{Answer, DrmTwice, GpuAnswers, GpuRequest, HelperAnswers, Host, NEEDS_HELPER};

/// What says that a helper does not know a question.
const OLDER: &str = "coord-helper does not answer this: it is older than this agent";
/// Between two readings that are compared.
const PAUSE: Duration = Duration::from_millis(500);

impl Host {
    /// The root helper's answers to its verb `facts`, asked once a process; the reason where it does not answer.
    pub(crate) fn helper(&self) -> Reading<&HelperAnswers> {
        match self {
            Self::Live(line) => line.facts(),
            Self::Taped(tape) => tape.helper(),
            Self::Recorded(recording) => recording.helper().ok_or_else(|| Unknown::denied(NEEDS_HELPER)),
        }
    }

    /// One part of the helper's answers.
    pub(crate) fn root_fact<T: Clone>(&self, pick: impl FnOnce(&HelperAnswers) -> &Option<Answer<T>>) -> Reading<T> {
        match pick(self.helper()?) {
            Some(answer) => answer.reading(),
            None => Err(Unknown::denied(OLDER)),
        }
    }

    /// The helper's verb `gpu`: what root and the owning group may do with each node of `request`.
    pub(crate) fn helper_gpu(&self, request: &GpuRequest) -> Reading<GpuAnswers> {
        match self {
            Self::Live(line) => line.gpu(request),
            Self::Taped(tape) => tape.helper_gpu(request),
            Self::Recorded(_) => self.root_fact(|answers| &answers.gpu),
        }
    }

    /// Two fresh readings of the clients of all DRM devices, half a second apart; only when somebody asked for it.
    pub(crate) fn drm_twice(&self) -> Reading<DrmTwice> {
        match self {
            Self::Live(line) => drm_twice(|| line.fresh_facts()),
            Self::Taped(tape) => {
                let twice = drm_twice(|| tape.fresh_facts());
                tape.keep_drm(&twice);
                twice
            }
            Self::Recorded(_) => Ok(DrmTwice {
                before: self.root_fact(|answers| &answers.drm_clients)?,
                after: self.root_fact(|answers| &answers.drm_clients_later)?,
                seconds: PAUSE.as_secs_f64(),
            }),
        }
    }
}

/// Asks twice, and says how much time was between the answers.
fn drm_twice(ask: impl Fn() -> Reading<HelperAnswers>) -> Reading<DrmTwice> {
    let clients = || {
        let answer = ask()?.drm_clients;
        answer.map_or_else(|| Err(Unknown::denied(OLDER)), |answer| answer.reading())
    };
    let before = clients()?;
    let began = Instant::now();
    thread::sleep(PAUSE);
    let after = clients()?;
    Ok(DrmTwice { before, after, seconds: began.elapsed().as_secs_f64() })
}
