//! `coordctl context`: becoming an operator of a coordinator, and choosing among several.

use coord_model::{API_VERSION, MachineEvidence};
use coord_proto::{client, identity::Identity, token::Token};
use jiff::Timestamp;
use serde_json::json;

use super::Typed;
use crate::{
    arguments::{ContextAdd, Contexts},
    connection,
    failure::{Exit, Failure},
    output::Output,
    place::{Place, environment},
    saved::Saved,
    show::lists,
};

/// Carries it out.
///
/// # Errors
/// When the token is refused, or nothing can be remembered.
pub(super) async fn run(
    contexts: Contexts,
    typed: Typed,
    place: Option<Place>,
    output: &Output,
) -> Result<Exit, Failure> {
    let saved = Saved::of_user()?;
    match (contexts, typed) {
        (Contexts::Add(arguments), Typed::Token(text)) => add(&arguments, &text, place, &saved, output).await,
        (Contexts::Add(_), Typed::Nothing) => Err(Failure::usage("no token was given")),
        (Contexts::Use(arguments), _) => {
            saved.use_from_now_on(&arguments.name)?;
            output.talk(&format!("context {} is in use from now on\n", arguments.name));
            Ok(Exit::Fine)
        }
        (Contexts::List, _) => list(&saved, output),
    }
}

/// The key is kept before the token is shown: when the reply is lost, the same command with the same token goes on.
async fn add(
    arguments: &ContextAdd,
    text: &str,
    place: Option<Place>,
    saved: &Saved,
    output: &Output,
) -> Result<Exit, Failure> {
    let name = &arguments.name;
    let token = Token::parse(text).map_err(|error| {
        Failure::new(error).hint("make one on the coordinator with: coordctl token create --operator")
    })?;
    if !token.operator {
        return Err(Failure::new("this token lets a machine in, not a person")
            .hint("make one on the coordinator with: coordctl token create --operator"));
    }
    let addresses = match place {
        Some(Place::Saved { address: Some(address), .. }) => vec![address],
        Some(Place::Saved { address: None, .. } | Place::Socket(_)) | None => token.addresses.clone(),
    };
    let key = key(saved, name)?;
    let operator = arguments.operator.clone().or_else(user).unwrap_or_else(|| "operator".to_owned());
    let enrolled = client::enrol(&key, &token, &addresses, &operator, MachineEvidence::default()).await;
    let mut identity = enrolled.map_err(|error| connection::refused("cannot become an operator", &error))?;
    if identity.coordinators.is_empty() {
        identity.coordinators = addresses;
    }
    saved.store(name, &identity)?;
    saved.use_from_now_on(name)?;
    let coordinator = identity.coordinators.first().map_or("?", String::as_str);
    let until = day(&identity);
    output.talk(&format!(
        "coordinator   {coordinator}, certificate matches the token\n\
         operator      {}, certificate until {until}, renewed in use\n\
         context       {name}, in use from now on\n",
        identity.id
    ));
    Ok(Exit::Fine)
}

/// The key of an attempt whose reply was lost, or a new one; either stands on the disk.
fn key(saved: &Saved, name: &str) -> Result<Identity, Failure> {
    let cannot = |error: &dyn std::error::Error| Failure::new("cannot make a key").because(error);
    if let Some(identity) = Identity::load(&saved.file(name)).map_err(|error| cannot(&error))? {
        return Ok(identity);
    }
    let identity = Identity::generate().map_err(|error| cannot(&error))?;
    saved.store(name, &identity)?;
    Ok(identity)
}

fn user() -> Option<String> {
    environment("USER").or_else(|| environment("USERNAME"))
}

fn day(identity: &Identity) -> String {
    Timestamp::from_millisecond(identity.expires.0)
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_else(|_| "an unknown day".to_owned())
}

fn list(saved: &Saved, output: &Output) -> Result<Exit, Failure> {
    let in_use = saved.in_use();
    let mut items = Vec::new();
    for name in saved.names() {
        let identity = saved.load(&name)?;
        items.push((in_use.as_deref() == Some(&name), name, identity));
    }
    let item = |(used, name, identity): &(bool, String, Identity)| {
        json!({
            "name": name, "inUse": used, "operator": identity.id, "coordinators": identity.coordinators,
            "expires": Timestamp::from_millisecond(identity.expires.0).map(|time| time.to_string()).unwrap_or_default(),
        })
    };
    let document: Vec<_> = items.iter().map(item).collect();
    let document = json!({"apiVersion": API_VERSION, "kind": "ContextList", "items": document});
    output.document(&document, |_| {
        let row = |(used, name, identity): &(bool, String, Identity)| {
            let star = if *used { "*" } else { "" };
            [star.into(), name.clone(), identity.id.clone(), identity.coordinators.join(", "), day(identity)]
        };
        lists::contexts(items.iter().map(row).collect())
    })?;
    Ok(Exit::Fine)
}
