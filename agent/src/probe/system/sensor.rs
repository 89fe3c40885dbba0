//! Temperatures of hwmon (Documentation/hwmon/sysfs-interface.rst).

use coord_model::{
    Reading, Unknown,
    section::{Temperature, TemperatureReading},
};

use crate::host::Host;

const CLASS: &str = "/sys/class/hwmon";
/// Chips whose reading wakes the device behind them: GPUs and spinning disks.
const SLEEPERS: [&str; 6] = ["amdgpu", "radeon", "nouveau", "i915", "xe", "drivetemp"];

/// Every sensor of every chip that may be asked.
pub(super) fn temperatures(host: &Host) -> Reading<Vec<Temperature>> {
    let mut sensors = Vec::new();
    for chip in host.list(CLASS)? {
        let name = host.text(&format!("{CLASS}/{chip}/name")).unwrap_or_else(|_| chip.clone());
        if SLEEPERS.contains(&name.as_str()) {
            continue;
        }
        let files = host.list(&format!("{CLASS}/{chip}")).unwrap_or_default();
        let inputs =
            files.iter().filter_map(|file| file.strip_suffix("_input")).filter(|file| file.starts_with("temp"));
        sensors.extend(inputs.map(|sensor| temperature(host, &format!("{CLASS}/{chip}/{sensor}"), &name)));
    }
    Ok(sensors)
}

fn temperature(host: &Host, path: &str, chip: &str) -> Temperature {
    let label = host.text(&format!("{path}_label")).ok();
    TemperatureReading {
        name: Ok(label.map_or_else(|| chip.to_string(), |label| format!("{chip} {label}"))),
        celsius: host.text(&format!("{path}_input")).and_then(|text| degrees(&text)),
        critical_celsius: host.text(&format!("{path}_crit")).and_then(|text| degrees(&text)),
    }
    .into()
}

/// Thousandths of a degree; some chips say nonsense when nothing is connected.
fn degrees(text: &str) -> Reading<f64> {
    let value = text.trim().parse::<i32>().ok().map(|value| f64::from(value) / 1000.0);
    let value = value.ok_or_else(|| Unknown::error("the sensor gives no number"))?;
    if (-60.0..=250.0).contains(&value) {
        Ok(value)
    } else {
        Err(Unknown::error(format!("the sensor says {value} °C")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_thousandths_and_within_reason() {
        assert_eq!(degrees("45500"), Ok(45.5));
        assert!(degrees("").is_err() && degrees("x").is_err() && degrees("999999999999").is_err());
        assert!(degrees("1000000").is_err() && degrees("-128000").is_err());
    }
}
