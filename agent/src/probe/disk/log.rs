//! The kernel's log as the root helper read it, asked for at most once a minute: this section is read again at every
//! mount, and the log is long.

use coord_model::Reading;
use serde::{Deserialize, Serialize};

use crate::host::{Answer, Host, KernelLog};

/// How long an answer stands.
const FRESH_SECONDS: f64 = 60.0;

/// The last answer, and the uptime at which it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogMemory {
    uptime_seconds: f64,
    answer: Answer<KernelLog>,
}

/// The log; `memory` keeps it for the next readings.
pub(super) fn read(host: &Host, memory: &mut Option<LogMemory>) -> Reading<KernelLog> {
    let now = host.text("/proc/uptime").ok().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let known = memory
        .as_ref()
        .zip(now)
        .filter(|(known, now)| (known.uptime_seconds..known.uptime_seconds + FRESH_SECONDS).contains(now));
    if let Some((known, _)) = known {
        return known.answer.reading();
    }
    let reading = host.root_fact(|answers| &answers.kernel_log);
    *memory = now.map(|uptime_seconds| LogMemory { uptime_seconds, answer: reading.clone().into() });
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose log names `errors` of sda, up for so many seconds.
    fn host(uptime: &str, errors: u64) -> (tempfile::TempDir, Host) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("root/proc")).unwrap();
        std::fs::write(folder.path().join("root/proc/uptime"), uptime).unwrap();
        let answers =
            format!(r#"{{"schema": 1, "helper": {{"kernelLog": {{"ioErrorsByDisk": {{"sda": {errors}}}}}}}}}"#);
        std::fs::write(folder.path().join("answers.json"), answers).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        (folder, host)
    }

    #[test]
    fn an_answer_stands_for_a_minute_of_this_boot() {
        let mut memory = None;
        let errors = |uptime: &str, errors: u64, memory: &mut Option<LogMemory>| {
            let (_folder, host) = host(uptime, errors);
            read(&host, memory).unwrap().io_errors_by_disk["sda"]
        };
        assert_eq!(errors("1000.00 9.00\n", 1, &mut memory), 1);
        assert_eq!(errors("1059.00 9.00\n", 2, &mut memory), 1);
        assert_eq!(errors("1061.00 9.00\n", 3, &mut memory), 3);
        assert_eq!(errors("5.00 9.00\n", 4, &mut memory), 4);
        assert_eq!(errors("no number", 5, &mut memory), 5);
        assert_eq!(errors("6.00 9.00\n", 6, &mut memory), 6);
    }
}
