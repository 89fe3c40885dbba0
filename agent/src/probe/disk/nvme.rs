//! What the kernel says of an NVMe disk's own warnings, through hwmon (drivers/nvme/host/hwmon.c), for anyone.

use coord_model::{Reading, Unknown, ValueState};

use crate::host::Host;

/// The controller of the disk `nvme0n1`, for instance `nvme0`.
pub(super) fn controller(disk: &str) -> Option<&str> {
    let digits = disk.strip_prefix("nvme")?.find(|letter: char| !letter.is_ascii_digit())?;
    disk.get(..4 + digits).filter(|_| digits > 0)
}

/// The critical warning about its temperature: the one bit of NVMe's SMART log that hwmon shows (`temp1_alarm`). It is
/// asked for only while the disk is awake.
pub(super) fn critical_warning(host: &Host, disk: &str) -> Reading<String> {
    let Some(controller) = controller(disk) else {
        return Err(Unknown::not_applicable("only NVMe disks have critical warnings"));
    };
    let folder = format!("/sys/class/nvme/{controller}");
    if host.text(&format!("{folder}/device/power/runtime_status")).is_ok_and(|status| status == "suspended") {
        return Err(Unknown::new(ValueState::Asleep, format!("{controller} is suspended")));
    }
    let path = alarm(host, &folder).ok_or_else(|| Unknown::absent("the kernel shows no hwmon of this NVMe"))?;
    match host.text(&path)?.as_str() {
        "0" => Err(Unknown::absent("no warning is raised")),
        "1" => Ok("its temperature is outside the limits that it set itself".to_string()),
        _ => Err(Unknown::error(format!("{path} holds no flag"))),
    }
}

/// The alarm's file: hwmon hangs below the controller, in older kernels below its PCI device.
fn alarm(host: &Host, folder: &str) -> Option<String> {
    let places = [folder.to_string(), format!("{folder}/hwmon"), format!("{folder}/device/hwmon")];
    places.iter().find_map(|place| {
        let names = host.list(place).unwrap_or_default();
        let paths =
            names.iter().filter(|name| name.starts_with("hwmon")).map(|name| format!("{place}/{name}/temp1_alarm"));
        paths.into_iter().find(|path| host.exists(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::{Fixture, recorded};

    fn host(files: &[(&str, &'static str)]) -> Fixture {
        let below = |(path, text): &(&str, &'static str)| (format!("/sys/class/nvme/nvme0/{path}"), *text);
        recorded(&files.iter().map(below).collect::<Vec<_>>())
    }

    #[test]
    fn the_alarm_is_found_where_new_and_old_kernels_have_it() {
        for place in ["hwmon3/temp1_alarm", "device/hwmon/hwmon1/temp1_alarm"] {
            let hot = host(&[(place, "1\n")]);
            assert!(critical_warning(&hot, "nvme0n1").unwrap().contains("temperature"), "{place}");
            let good = host(&[(place, "0\n")]);
            assert_eq!(critical_warning(&good, "nvme0n1").unwrap_err().state, ValueState::Absent);
        }
    }

    #[test]
    fn a_sleeping_disk_is_left_asleep() {
        let host = host(&[("hwmon3/temp1_alarm", "1\n"), ("device/power/runtime_status", "suspended\n")]);
        assert_eq!(critical_warning(&host, "nvme0n1").unwrap_err().state, ValueState::Asleep);
    }

    #[test]
    fn what_is_no_flag_is_an_error_and_what_is_no_nvme_has_none() {
        let host = host(&[("hwmon3/temp1_alarm", "x")]);
        assert_eq!(critical_warning(&host, "nvme0n1").unwrap_err().state, ValueState::Error);
        assert_eq!(critical_warning(&host, "nvme7n1").unwrap_err().state, ValueState::Absent);
        assert_eq!(critical_warning(&host, "sda").unwrap_err().state, ValueState::NotApplicable);
    }

    #[test]
    fn the_controller_is_the_front_of_the_name() {
        assert_eq!(controller("nvme12n1"), Some("nvme12"));
        for name in ["nvme", "nvmen1", "sda", "", "nvme0"] {
            assert_eq!(controller(name), None, "{name}");
        }
    }
}
