//! Keeps a section below 32 KiB by leaving out rows of its longest lists, and saying how many.

use coord_model::{AnySection, Failure, SectionKind, ValueState};
use serde_json::Value;

/// The largest section, as JSON in bytes.
pub(crate) const LARGEST: usize = 32 << 10;

/// `section` with rows left out until it fits; a section that has no rows to leave out is failed instead.
pub(crate) fn capped(section: AnySection) -> AnySection {
    if !serde_json::to_vec(&section).is_ok_and(|text| text.len() > LARGEST) {
        return section;
    }
    let kind = section.kind();
    let shrunk = serde_json::to_value(&section).ok().and_then(|mut value| {
        shrink(&mut value, &kind.to_string())?;
        serde_json::from_value(value).ok()
    });
    shrunk.unwrap_or_else(|| too_large(kind, section))
}

fn too_large(kind: SectionKind, section: AnySection) -> AnySection {
    let failure = Failure { reason: ValueState::Error, message: "the section is larger than 32 KiB".to_string() };
    AnySection::failed(kind, "the agent".to_string(), failure).unwrap_or(section)
}

/// Leaves out rows until the text fits; `None` when there are none left.
fn shrink(value: &mut Value, kind: &str) -> Option<()> {
    let mut left_out: u64 = value[kind]["truncated"].as_u64().unwrap_or(0);
    loop {
        let size = serde_json::to_vec(&value).ok()?.len();
        if size <= LARGEST {
            return Some(());
        }
        left_out += cut(&mut value[kind]["facts"], size)?;
        value[kind]["truncated"] = left_out.into();
    }
}

/// Drops the last rows of the list that takes most room: about as many as are too much, at least one.
fn cut(facts: &mut Value, size: usize) -> Option<u64> {
    let list = largest_list(facts)?;
    let bytes = serde_json::to_vec(&list).ok()?.len();
    let row = (bytes / list.len()).max(1);
    // Rows differ in size, so a little less than what is needed goes at once and the rest one by one.
    let drop = ((size - LARGEST) / row * 9 / 10).clamp(1, list.len());
    list.truncate(list.len() - drop);
    u64::try_from(drop).ok()
}

/// The non-empty list with the longest text, at any depth of objects.
fn largest_list(value: &mut Value) -> Option<&mut Vec<Value>> {
    let object = value.as_object_mut()?;
    let length = |value: &Value| serde_json::to_vec(value).map_or(0, |text| text.len());
    let mut candidates = Vec::new();
    for child in object.values_mut() {
        if child.is_object() {
            candidates.extend(largest_list(child));
        } else if let Value::Array(list) = child
            && !list.is_empty()
        {
            candidates.push(list);
        }
    }
    candidates.into_iter().max_by_key(|list| list.iter().map(length).sum::<usize>())
}

#[cfg(test)]
mod tests {
    use coord_model::{
        Section,
        section::{Agent, Mount, Mounts},
    };

    use super::*;

    fn mounts(count: usize) -> AnySection {
        let row = |number: usize| Mount { paths: Some(vec![format!("/data/{number}")]), ..Mount::default() };
        let facts = Mounts { mounts: Some((0..count).map(row).collect()), ..Mounts::default() };
        AnySection::Mounts(Section::read("/proc/self/mountinfo", facts))
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(capped(mounts(10)), mounts(10));
    }

    #[test]
    fn ten_thousand_mounts_fit_and_say_how_many_are_missing() {
        let AnySection::Mounts(section) = capped(mounts(10_000)) else { panic!("another section") };
        let left = section.facts.as_ref().unwrap().mounts.as_ref().unwrap();
        assert_eq!(left.len() + section.truncated as usize, 10_000);
        assert!(left.len() > 500, "{}", left.len());
        assert_eq!(left[0].paths.as_deref(), Some(&["/data/0".to_string()][..]));
        assert!(serde_json::to_vec(&AnySection::Mounts(section)).unwrap().len() <= LARGEST);
    }

    #[test]
    fn a_huge_section_without_rows_fails() {
        let facts = Agent { version: Some("x".repeat(LARGEST)), ..Agent::default() };
        let capped = capped(AnySection::Agent(Section::read("", facts)));
        assert_eq!(capped.failure().unwrap().message, "the section is larger than 32 KiB");
    }
}
