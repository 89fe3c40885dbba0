//! What stands beside a fresh token: for whom, until when, and the lines to type on the machine.

use coord_model::CreatedToken;

use super::text::age;

/// The talk around a token; the token itself goes to stdout alone. `until` is the time of day where people are.
pub(crate) fn created(token: &CreatedToken, name: Option<&str>, operator: bool, until: &str) -> String {
    let whom = name.map_or_else(|| "any machine".to_owned(), ToOwned::to_owned);
    let life = age(token.lifetime.as_secs_f64());
    if operator {
        let whom = name.map_or_else(|| "an operator".to_owned(), |name| format!("operator {name}"));
        return format!(
            "Token for {whom}, good once, until {until} ({life}).\n\
             On the operator's machine:\n  \
             coordctl context add NAME        (paste the token)\n"
        );
    }
    format!(
        "Token for {whom}, good once, until {until} ({life}).\n\
         On the machine, with coord-agent installed, as root:\n  \
         coord-agent join        (paste the token)\n"
    )
}
