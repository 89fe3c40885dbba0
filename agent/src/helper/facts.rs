//! The verb `facts`: every root fact of one tick, each hang domain in a lane of its own, all within one deadline.

use std::time::{Duration, Instant};

use coord_model::{Reading, Unknown};

use super::{docker, firmware, fuse, ground::Ground, guests, k3s_files, kernel_log, lane::Lane, processes};
use crate::host::{Answer, FactsRequest, HelperAnswers, LARGEST_REPLY, kernel_clock};

/// For everything together. The agent waits a little longer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Two facts of one lane, each with a reason of its own.
type Pair<A, B> = (Reading<A>, Reading<B>);

/// Answers the request; never fails, since each part has its own reason.
pub(super) fn answer(ground: &Ground, request: FactsRequest) -> HelperAnswers {
    let end = Instant::now() + DEADLINE;
    let firmware = lane(ground, "firmware", end, |ground| Ok(firmware::read(ground)));
    let fuse = lane(ground, "fuse", end, fuse::waiting);
    let k3s = lane(ground, "k3s", end, |ground| Ok(k3s_files::read(ground)));
    let guests = lane(ground, "guests", end, guests::read);
    let engine_end = end.checked_sub(docker::EARLIER).unwrap_or(end);
    let docker = lane(ground, "docker", end, move |ground| Ok(docker::ask(ground, &request.containers, engine_end)));
    let processes = lane(ground, "processes", end, move |ground| processes::walk(ground, end));
    let kernel = lane(ground, "kernel", end, kernel_log::read);

    let (dmi_uuid, throttled) = both(firmware.finish());
    let (certificates, snapshots) = both(k3s.finish());
    let (docker_version, containers) = both(docker.finish());
    let (open_devices, drm_clients) = both(processes.finish().map(|(devices, clients)| (Ok(devices), Ok(clients))));
    HelperAnswers {
        dmi_uuid: Some(dmi_uuid.into()),
        guests: Some(guests.finish().into()),
        fuse_waiting: Some(fuse.finish().into()),
        gpu: None,
        drm_clients_later: None,
        docker_version: Some(docker_version.into()),
        containers: Some(containers.into()),
        certificates: Some(certificates.into()),
        snapshots: Some(snapshots.into()),
        open_devices: Some(open_devices.into()),
        drm_clients: Some(drm_clients.into()),
        kernel_log: Some(kernel.finish().into()),
        throttled: Some(throttled.into()),
        // No lane: it asks the kernel and nothing that could hang.
        clock: Some(kernel_clock().into()),
    }
}

/// Starts to read in a lane.
fn lane<T: Send + 'static>(
    ground: &Ground,
    name: &'static str,
    end: Instant,
    read: impl FnOnce(&Ground) -> Reading<T> + Send + 'static,
) -> Lane<T> {
    let own = ground.clone();
    Lane::start(ground.locks(), name, end, move || read(&own))
}

/// A lane that failed fails both of its facts.
fn both<A, B>(reading: Reading<Pair<A, B>>) -> Pair<A, B> {
    reading.unwrap_or_else(|reason| (Err(reason.clone()), Err(reason)))
}

/// Leaves out the longest lists until the reply fits on the agent's line; what was left out says so.
pub(super) fn fit(answers: &mut HelperAnswers) -> serde_json::Result<()> {
    const ROOM: u64 = 1024;
    let too_long = |answers: &HelperAnswers| {
        Ok::<_, serde_json::Error>(serde_json::to_vec(answers)?.len() as u64 + ROOM > LARGEST_REPLY)
    };
    if too_long(answers)? {
        answers.drm_clients = Some(left_out());
    }
    if too_long(answers)? {
        answers.guests = Some(left_out());
    }
    if too_long(answers)? {
        answers.open_devices = Some(left_out());
    }
    if too_long(answers)? {
        *answers = HelperAnswers { dmi_uuid: answers.dmi_uuid.take(), ..HelperAnswers::default() };
    }
    Ok(())
}

fn left_out<T>() -> Answer<T> {
    Err(Unknown::error("the list is too long for one reply")).into()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::PathBuf};

    use coord_model::{ValueState, section::Guest};

    use super::{super::ground::tests::machine, *};
    use crate::host::DrmClient;

    #[test]
    fn every_part_is_a_value_or_a_reason() {
        let (_folder, ground) = machine(&[("/sys/class/dmi/id/product_uuid", "AB\n"), ("/dev/null", "")]);
        let answers = answer(&ground, FactsRequest { containers: vec!["worker".into()] });
        let Some(Answer::Value(uuid)) = &answers.dmi_uuid else { panic!("{answers:?}") };
        assert_eq!(uuid, "ab");
        let Some(Answer::Unknown { unknown }) = &answers.containers else { panic!("{answers:?}") };
        assert_eq!(unknown.state, ValueState::Absent);
        assert_eq!(answers.open_devices, Some(Answer::Value(BTreeMap::new())));
        let text = serde_json::to_value(&answers).unwrap();
        assert_eq!(text.as_object().unwrap().len(), 12, "{text}");
    }

    #[test]
    fn a_folder_for_locks_that_cannot_be_made_is_a_reason() {
        let (_folder, ground) = machine(&[("/run", "a file")]);
        let answers = answer(&ground, FactsRequest::default());
        let Some(Answer::Unknown { unknown }) = answers.dmi_uuid else { panic!("{answers:?}") };
        assert!(unknown.message.contains("cannot lock firmware"), "{}", unknown.message);
        assert!(fs::metadata(PathBuf::from("/run")).unwrap().is_dir());
    }

    #[test]
    fn a_reply_that_is_too_long_loses_its_longest_lists() {
        let client = DrmClient { program: "x".repeat(3000), ..DrmClient::default() };
        let guest = Guest { name: Some("y".repeat(5000)), ..Guest::default() };
        let mut answers = HelperAnswers {
            dmi_uuid: Some(Answer::Value("ab".into())),
            drm_clients: Some(Answer::Value(vec![client; 512])),
            guests: Some(Answer::Value(vec![guest.clone(); 10])),
            ..HelperAnswers::default()
        };
        fit(&mut answers).unwrap();
        assert!(matches!(answers.drm_clients, Some(Answer::Unknown { .. })));
        assert!(matches!(answers.guests, Some(Answer::Value(_))));
        answers.guests = Some(Answer::Value(vec![guest; 512]));
        fit(&mut answers).unwrap();
        assert!(matches!(answers.guests, Some(Answer::Unknown { .. })));
        assert_eq!(answers.dmi_uuid, Some(Answer::Value("ab".into())));
    }
}
