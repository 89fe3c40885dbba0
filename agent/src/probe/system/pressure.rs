//! Pressure stall information (Documentation/accounting/psi.rst).

use coord_model::{
    Reading, Unknown,
    section::{Pressure, PressureReading},
};

use super::cgroup::Cgroup;
use crate::host::Host;

/// Pressure on `cpu`, `memory` or `io`: the machine's, in a container its own. Many kernels leave it off, which is no
/// fault.
pub(super) fn pressure(host: &Host, cgroup: &Cgroup, resource: &str) -> Reading<Pressure> {
    let own = cgroup.inside.then(|| host.text(&format!("/sys/fs/cgroup/{resource}.pressure")).ok()).flatten();
    let text = own.map_or_else(|| host.text(&format!("/proc/pressure/{resource}")), Ok)?;
    if text.is_empty() {
        return Err(Unknown::error(format!("the pressure on {resource} is empty")));
    }
    let average = |line: &str, name: &str| parse(&text, line, name);
    Ok(PressureReading {
        some_10: average("some", "avg10"),
        some_60: average("some", "avg60"),
        full_10: average("full", "avg10"),
        full_60: average("full", "avg60"),
    }
    .into())
}

/// One average of one line.
fn parse(text: &str, line: &str, name: &str) -> Reading<f64> {
    let found = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' '));
    let found = found.ok_or_else(|| Unknown::absent(format!("there is no line {line}")))?;
    let value = found.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    let value = value.and_then(|value| value.parse::<f64>().ok()).filter(|value| value.is_finite());
    value.ok_or_else(|| Unknown::error(format!("{name} of {line} is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host::fixture::recorded, probe::system::cgroup::cgroup};

    #[test]
    fn a_container_has_its_own_pressure() {
        let machine = ("proc/pressure/memory", "some avg10=1.0 avg60=1.0\n");
        let own = ("sys/fs/cgroup/memory.pressure", "some avg10=2.0 avg60=2.0\n");
        let read = |files: &[(&str, &str)]| {
            let host = recorded(files);
            pressure(&host, &cgroup(&host), "memory").map(|pressure| pressure.some_10)
        };
        assert_eq!(read(&[machine, own]), Ok(Some(1.0)));
        assert_eq!(read(&[machine, own, ("sys/fs/cgroup/memory.max", "max\n")]), Ok(Some(2.0)));
        assert!(read(&[]).is_err());
    }

    #[test]
    fn averages_are_read_by_name() {
        let text = "some avg10=0.20 avg60=1.50 avg300=0.00 total=12\nfull avg10=x";
        assert_eq!(parse(text, "some", "avg10"), Ok(0.2));
        assert_eq!(parse(text, "some", "avg60"), Ok(1.5));
        assert!(parse(text, "full", "avg10").is_err() && parse(text, "full", "avg60").is_err());
        assert!(parse("", "some", "avg10").is_err());
    }
}
