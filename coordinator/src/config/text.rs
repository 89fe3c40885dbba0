//! The settings as the file that would give them: what `check-config` prints can be saved and read again.

use std::{fmt, time::Duration};

use super::{ClockSource, ClusterSource, LogLevel, Settings};

/// The largest unit that divides the length, as the file writes it.
fn written(length: Duration) -> String {
    const UNITS: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let milliseconds = length.as_millis();
    let unit = UNITS.into_iter().find(|(unit, _)| milliseconds >= *unit && milliseconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{milliseconds}ms"), |(unit, name)| format!("{}{name}", milliseconds / unit))
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}

impl fmt::Display for ClockSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TrustKernel => "trust-kernel",
            Self::AssumeSynchronised => "assume-synchronised",
        })
    }
}

impl fmt::Display for ClusterSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::File => "file",
            Self::Resource => "resource",
        })
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advertise: Vec<String> = self.advertise.iter().map(|address| format!("{address:?}")).collect();
        writeln!(formatter, "data: {:?}\nlisten: \"{}\"\nhttp: \"{}\"", self.data, self.listen, self.http)?;
        writeln!(formatter, "socket: {:?}\nadvertise: [{}]", self.socket, advertise.join(", "))?;
        writeln!(formatter, "lifetimes:\n  token: {}", written(self.lifetimes.token))?;
        writeln!(formatter, "  certificate: {}", written(self.lifetimes.certificate))?;
        writeln!(formatter, "  operatorCertificate: {}", written(self.lifetimes.operator_certificate))?;
        writeln!(formatter, "  rejoin: {}", written(self.lifetimes.rejoin))?;
        writeln!(formatter, "heartbeat: {}\nfacts: {}", written(self.heartbeat), written(self.facts))?;
        writeln!(formatter, "reconnectCap: {}\nsilentAfter: {}", written(self.reconnect_cap), self.silent_after)?;
        writeln!(formatter, "lostAfter: {}\nlog: {}\nclock: {}", written(self.lost_after), self.log, self.clock)?;
        writeln!(formatter, "cluster: {:?}\nclusterSource: {}", self.cluster, self.cluster_source)?;
        if let Some(kubeconfig) = &self.kubeconfig {
            writeln!(formatter, "kubeconfig: {kubeconfig:?}")?;
        }
        writeln!(formatter, "namespace: {:?}", self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Layer;

    #[test]
    fn what_is_printed_can_be_read_again() {
        let settings = Settings {
            advertise: vec!["pi:7443".into(), "[fd00::5]:7443".into()],
            heartbeat: Duration::from_millis(1500),
            log: LogLevel::Debug,
            cluster_source: ClusterSource::Resource,
            kubeconfig: Some("/etc/rancher/k3s/k3s.yaml".into()),
            ..Settings::default()
        };
        let layer = Layer::parse(&settings.to_string(), Path::new("printed")).unwrap();
        assert_eq!(Settings::check(layer).unwrap(), settings);
        assert!(settings.to_string().contains("heartbeat: 1500ms\nfacts: 1m\n"), "{settings}");
    }
}
