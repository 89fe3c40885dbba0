//! Since when each mount has been in its state, as long as this process watches.

use std::{collections::BTreeMap, time::Instant};

use coord_model::{
    Section, Unknown,
    section::{Mount, MountState, Mounts},
};

use crate::probe::space::put;

/// States with the moment in which they were first seen, by device number, or by path where nothing is mounted.
#[derive(Debug, Default)]
pub(super) struct Standing {
    states: BTreeMap<String, (MountState, Instant)>,
}

impl Standing {
    /// Fills in `stateSeconds` and remembers what is new; mounts that are gone are forgotten.
    pub(super) fn note(&mut self, section: &mut Section<Mounts>, now: Instant) {
        let Some(facts) = &mut section.facts else { return };
        let earlier = std::mem::take(&mut self.states);
        for mount in facts.mounts.iter_mut().flatten() {
            let Some((state, key)) = mount.state.zip(key(mount)) else {
                let reason = mount.unknown.get("state").cloned();
                let reason = reason.unwrap_or_else(|| Unknown::absent("its state is not known"));
                put(&mut mount.unknown, "stateSeconds", &mut mount.state_seconds, Err(reason));
                continue;
            };
            let before = earlier.get(&key).filter(|(before, _)| *before == state);
            let since = before.map_or(now, |(_, since)| *since);
            let seconds = now.saturating_duration_since(since).as_secs_f64();
            put(&mut mount.unknown, "stateSeconds", &mut mount.state_seconds, Ok(seconds));
            self.states.insert(key, (state, since));
        }
    }
}

fn key(mount: &Mount) -> Option<String> {
    let path = || mount.paths.as_ref().and_then(|paths| paths.first()).cloned();
    mount.device_number.clone().or_else(path).or_else(|| mount.name.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(standing: &mut Standing, state: Option<MountState>, now: Instant) -> Option<f64> {
        let mount = Mount { device_number: Some("0:45".to_string()), state, ..Mount::default() };
        let mut section = Section::read("", Mounts { mounts: Some(vec![mount]), ..Mounts::default() });
        standing.note(&mut section, now);
        section.facts.unwrap().mounts.unwrap()[0].state_seconds
    }

    #[test]
    fn a_state_grows_old_until_it_changes() {
        let (mut standing, start) = (Standing::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let told: Vec<_> = [
            (Some(MountState::Slow), 0),
            (Some(MountState::Slow), 20),
            (Some(MountState::Stuck), 35),
            (Some(MountState::Stuck), 36),
            (None, 40),
            (Some(MountState::Stuck), 50),
        ]
        .into_iter()
        .map(|(state, seconds)| told(&mut standing, state, after(seconds)))
        .collect();
        assert_eq!(told, [Some(0.0), Some(20.0), Some(0.0), Some(1.0), None, Some(0.0)]);
    }
}
