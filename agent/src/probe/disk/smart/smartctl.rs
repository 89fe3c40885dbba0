//! Text of smartctl(8) as emhttp keeps it: with the overall verdict or without, of ATA, SCSI and NVMe disks.

use coord_model::{Reading, Unknown};

/// What one copy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Copy {
    /// The disk's own verdict, where the copy has it.
    passed: Option<bool>,
    /// Attributes that are below their threshold now.
    failing: Vec<String>,
    /// Sectors that could not be read (attributes 197 and 198, NVMe media errors).
    unreadable: u64,
    /// Whether it lists any attribute.
    listed: bool,
    /// NVMe: bits of the critical warning.
    pub(in super::super) critical: Option<u8>,
    /// NVMe: percentage of its life that is used.
    pub(in super::super) life_used: Option<u32>,
}

impl Copy {
    /// Reads the lines that it knows.
    pub(in super::super) fn parse(text: &str) -> Self {
        let mut copy = Self::default();
        for line in text.lines() {
            match line.split_once(':') {
                Some((name, value)) => copy.named(name.trim(), value.trim()),
                None => copy.attribute(line),
            }
        }
        copy
    }

    fn named(&mut self, name: &str, value: &str) {
        match name {
            "SMART overall-health self-assessment test result" => self.passed = Some(value == "PASSED"),
            "SMART Health Status" => self.passed = Some(value == "OK"),
            "Critical Warning" => {
                self.critical = value.strip_prefix("0x").and_then(|bits| u8::from_str_radix(bits, 16).ok());
                self.listed = true;
            }
            "Percentage Used" => self.life_used = value.strip_suffix('%').and_then(|percent| percent.parse().ok()),
            "Media and Data Integrity Errors" => {
                self.unreadable = self.unreadable.saturating_add(value.replace(',', "").parse().unwrap_or(0));
            }
            _ => {}
        }
    }

    /// `197 Current_Pending_Sector 0x0032 200 200 000 Old_age Always - 0`.
    fn attribute(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().take(10).collect();
        let [identifier, name, flag, .., failed, raw] = words.as_slice() else { return };
        let Ok(identifier) = identifier.parse::<u8>() else { return };
        if words.len() < 10 || !flag.starts_with("0x") {
            return;
        }
        self.listed = true;
        if *failed == "FAILING_NOW" {
            self.failing.push((*name).to_string());
        }
        if matches!(identifier, 197 | 198) {
            self.unreadable = self.unreadable.saturating_add(raw.parse().unwrap_or(0));
        }
    }

    /// The verdict in words.
    pub(in super::super) fn verdict(&self) -> Reading<String> {
        if self.passed == Some(false) {
            return Ok("failing: the disk fails its own health check".to_string());
        }
        if !self.failing.is_empty() {
            return Ok(format!("failing: {} below its threshold", self.failing.join(", ")));
        }
        if self.unreadable > 0 {
            return Ok(format!("warning: {} unreadable sectors", self.unreadable));
        }
        match (self.passed, self.listed) {
            (Some(_), _) => Ok("passed".to_string()),
            (None, true) => Ok("passed: no attribute is below its threshold".to_string()),
            // smartctl leaves a disk in standby alone and says only that.
            (None, false) => Err(Unknown::absent("emhttp has not heard of its SMART since it started")),
        }
    }
}

/// The bits of NVMe's critical warning that are set (NVM Express base specification, SMART log page).
pub(in super::super) fn warnings(bits: u8) -> Vec<&'static str> {
    let names = [
        "spare blocks run out",
        "its temperature is outside the limits that it set itself",
        "it became unreliable",
        "it turned read-only",
        "its power-loss protection failed",
        "its persistent memory became unreliable",
    ];
    let set = names.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    set.map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
  5 Reallocated_Sector_Ct   0x0033   100   100   010    Pre-fail  Always       -       0
194 Temperature_Celsius     0x0022   064   045   000    Old_age   Always       -       36 (Min/Max 20/55)
197 Current_Pending_Sector  0x0012   100   100   000    Old_age   Always       -       0
";

    #[test]
    fn a_table_alone_is_a_verdict_too() {
        assert!(Copy::parse(TABLE).verdict().unwrap().starts_with("passed"));
        let pending = TABLE.replace("-       0\n", "-       16\n");
        assert_eq!(Copy::parse(&pending).verdict().unwrap(), "warning: 16 unreadable sectors");
        let failing = TABLE.replacen("Always       - ", "Always   FAILING_NOW ", 1);
        assert_eq!(Copy::parse(&failing).verdict().unwrap(), "failing: Reallocated_Sector_Ct below its threshold");
    }

    #[test]
    fn an_nvme_says_what_it_warns_of() {
        let text = "Critical Warning:                   0x09\nPercentage Used:                    87%\n\
                    Media and Data Integrity Errors:    1,024\n";
        let copy = Copy::parse(text);
        assert_eq!((copy.critical, copy.life_used), (Some(9), Some(87)));
        assert_eq!(warnings(9), ["spare blocks run out", "it turned read-only"]);
        assert_eq!(copy.verdict().unwrap(), "warning: 1024 unreadable sectors");
    }

    #[test]
    fn a_disk_that_slept_has_no_verdict() {
        for text in ["", "Device is in STANDBY mode, exit(2)\n", "197", "197 a b c d e f g h i", "\u{0}:\u{0}"] {
            assert!(Copy::parse(text).verdict().is_err(), "{text:?}");
        }
        assert_eq!(warnings(0), Vec::<&str>::new());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}", bits in 0u8..) {
            drop(Copy::parse(&text).verdict());
            warnings(bits);
        }
    }
}
