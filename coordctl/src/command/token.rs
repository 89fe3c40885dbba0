//! `coordctl token`: what lets a machine or an operator in, once.

use coord_model::{API_VERSION, CreateToken, CreatedToken, RevokeToken};
use coord_proto::client::CALL_DEADLINE;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{done, would};
use crate::{
    arguments::{Format, TokenCreate, TokenRevoke},
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Makes a token: it alone on stdout, the lines to paste on stderr.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn create(
    arguments: TokenCreate,
    coordinator: &Coordinator,
    output: &Output,
) -> Result<Exit, Failure> {
    let TokenCreate { node, ttl, operator, replace, dry_run } = arguments;
    let whom = node.as_deref().unwrap_or(if operator { "an operator" } else { "any machine" });
    if dry_run {
        return would(&format!("make a token for {whom}, good for {} s", ttl.as_secs()), output);
    }
    let request = CreateToken { name: node.clone().unwrap_or_default(), lifetime: ttl, operator, replace };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.create_token(request)).await;
    let token = calls.answer(answer)?;
    match output.format()? {
        Format::Table | Format::Wide => output.data(&format!("{}\n", token.token))?,
        Format::Json | Format::Yaml => output.document(&document(&token), |_| String::new())?,
    }
    output.talk(&show::token::created(&token, node.as_deref(), operator, &until(&token)));
    Ok(Exit::Fine)
}

fn document(token: &CreatedToken) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": API_VERSION,
        "kind": "CreatedToken",
        "token": token.token,
        "id": token.id,
        "lifetimeSeconds": token.lifetime.as_secs_f64(),
        "expires": Timestamp::from_millisecond(token.expires.0).map(|time| time.to_string()).unwrap_or_default(),
    })
}

/// The time of day where this person is, with the day when it is not within one.
fn until(token: &CreatedToken) -> String {
    let Ok(end) = Timestamp::from_millisecond(token.expires.0) else { return "an unknown time".to_owned() };
    let soon = Timestamp::now().checked_add(24.hours()).is_ok_and(|tomorrow| end < tomorrow);
    let here = end.to_zoned(TimeZone::system());
    here.strftime(if soon { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// Makes a token useless.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn revoke(
    arguments: TokenRevoke,
    coordinator: &Coordinator,
    output: &Output,
) -> Result<Exit, Failure> {
    if arguments.dry_run {
        return would(&format!("revoke token {}", arguments.id), output);
    }
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.revoke_token(RevokeToken { id: arguments.id })).await;
    done(&calls.answer(answer)?, output)
}
