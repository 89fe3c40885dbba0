//! Label rules: their language and their labels.

pub use coord_planner::LabelRule;
use coord_planner::{OnFalse, When};

use super::{Findings, labels};
use crate::{
    Mistake, Place,
    raw::{self, Spec},
};

/// Every rule that can be read.
pub(super) fn rules(spec: &Spec, findings: &mut Findings<'_>) -> Vec<LabelRule> {
    let numbered = spec.label_rules.iter().enumerate();
    numbered.filter_map(|(index, rule)| one(&index.to_string(), rule, findings)).collect()
}

fn one(index: &str, rule: &raw::LabelRule, findings: &mut Findings<'_>) -> Option<LabelRule> {
    let set = rule.set.iter().map(|(key, value)| (key, Some(value)));
    labels::labels(set, &["labelRules", index, "set"], findings);
    if rule.set.is_empty() {
        findings.error(findings.at(&["labelRules", index]), "a rule needs at least one label in `set`");
    }
    match When::parse(&rule.when) {
        Ok(when) => Some(LabelRule {
            text: rule.when.clone(),
            when,
            set: rule.set.clone(),
            on_false: match rule.on_false {
                raw::OnFalse::Ask => OnFalse::Ask,
                raw::OnFalse::Remove => OnFalse::Remove,
            },
        }),
        Err(failure) => {
            let place = findings.at(&["labelRules", index, "when"]);
            let before = rule.when.get(..failure.at).unwrap_or_default().chars().count();
            let column = place.column.saturating_add(u32::try_from(before).unwrap_or(0));
            let length = place.length.saturating_sub(u32::try_from(before).unwrap_or(0)).max(1);
            let mistake = Mistake::error(Place { column, length, ..place }, failure.message);
            findings.mistakes.push(match failure.hint {
                Some(hint) => mistake.hint(hint),
                None => mistake.hint("docs/CLUSTER-FILE.md lists every fact"),
            });
            None
        }
    }
}
