//! A document from the coordinator, or the last one that is remembered, marked as old.

use coord_model::{Read, ViewKind};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    cache::{Cache, Kept},
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show::stale::Stale,
};

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// As the coordinator wrote it, but for control characters in its texts.
    pub(crate) value: Value,
    /// Why and since when there is nothing newer; `None` for a fresh one.
    pub(crate) stale: Option<Stale>,
}

impl Answer {
    /// A fresh one.
    ///
    /// # Errors
    /// When it is not JSON.
    pub(crate) fn fresh(json: &[u8]) -> Result<Self, Failure> {
        let mut value = serde_json::from_slice(json).map_err(|error| not_understood(&error))?;
        clean(&mut value);
        Ok(Self { value, stale: None })
    }

    /// An old one, which says so in its JSON form too.
    pub(crate) fn old(kept: Kept, now: Timestamp, coordinator: &str, failure: Failure) -> Self {
        let seconds = kept.age_seconds(now);
        let mut value = kept.document;
        if let Value::Object(fields) = &mut value {
            fields.insert("stale".into(), true.into());
            fields.insert("staleSeconds".into(), seconds.floor().into());
        }
        let stale = Stale { seconds, place: coordinator.to_owned(), failure };
        Self { value, stale: Some(stale) }
    }

    /// As one of the views.
    ///
    /// # Errors
    /// When a newer coordinator wrote something that this version cannot read.
    pub(crate) fn typed<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.value).map_err(|error| not_understood(&error))
    }

    /// How the process ends if the answer itself is `good`.
    pub(crate) fn exit(&self, good: bool) -> Exit {
        match (&self.stale, good) {
            (Some(_), _) => Exit::Away,
            (None, true) => Exit::Fine,
            (None, false) => Exit::Unhealthy,
        }
    }
}

/// Asks for a view; when the coordinator is away, the last answer takes its place.
///
/// # Errors
/// When it is refused, or it does not come and there is no older one.
pub(crate) async fn read(
    coordinator: &Coordinator,
    view: ViewKind,
    name: &str,
    output: &Output,
) -> Result<Answer, Failure> {
    let cache = Cache::of_user(&coordinator.place.to_string());
    match ask(coordinator, view, name).await {
        Ok(answer) => {
            keep(cache.as_ref(), view, name, &answer, output);
            Ok(answer)
        }
        Err(failure) if failure.exit == Exit::Away => {
            let last = cache.and_then(|cache| cache.last(view, name));
            let kept = last.ok_or_else(|| failure.clone())?;
            Ok(Answer::old(kept, Timestamp::now(), &coordinator.address, failure))
        }
        Err(failure) => Err(failure),
    }
}

/// Asks for a view and takes no older answer.
///
/// # Errors
/// When it is refused or does not come.
pub(crate) async fn ask(coordinator: &Coordinator, view: ViewKind, name: &str) -> Result<Answer, Failure> {
    let read = Read { view, name: name.to_owned(), after: 0 };
    Answer::fresh(&coordinator.call().await?.read(read).await?.json)
}

/// Remembers a fresh answer; that it cannot be remembered takes nothing from the answer itself.
pub(crate) fn keep(cache: Option<&Cache>, view: ViewKind, name: &str, answer: &Answer, output: &Output) {
    let kept = Kept { received: Timestamp::now(), document: answer.value.clone() };
    if let Some(Err(error)) = cache.map(|cache| cache.keep(view, name, &kept)) {
        output.talk(&format!("warning: the answer could not be kept for later: {error}\n"));
    }
}

fn not_understood(error: &serde_json::Error) -> Failure {
    Failure::new("cannot understand the coordinator's answer").because(error).hint("compare: coordctl version")
}

/// Devices and mounts choose their own names, and a terminal obeys control characters. Line breaks stay: hints have
/// several lines.
fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.chars().any(|character| character.is_control()) {
                *text = text.split('\n').map(coord_model::clean).collect::<Vec<_>>().join("\n");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        let answer = Answer::fresh(br#"{"a":["x\u001b[2Jy\u009b1m","two\nlines"]}"#).unwrap();
        assert_eq!(answer.value["a"][0], "x\\x1b[2Jy\\x9b1m");
        assert_eq!(answer.value["a"][1], "two\nlines");
    }

    #[test]
    fn an_old_answer_says_so_in_json() {
        let received: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let now = "2026-11-23T12:14:03.9Z".parse().unwrap();
        let kept = Kept { received, document: serde_json::json!({"healthy": true, "stale": false}) };
        let answer = Answer::old(kept, now, "h:1", Failure::away("h:1"));
        assert_eq!(answer.value, serde_json::json!({"healthy": true, "stale": true, "staleSeconds": 843.0}));
        assert_eq!(answer.exit(true), Exit::Away);
    }

    #[test]
    fn what_is_not_json_is_a_failure() {
        assert_eq!(Answer::fresh(b"<html>").unwrap_err().exit, Exit::Failed);
        assert!(Answer::fresh(b"{}").unwrap().typed::<coord_model::Status>().is_err());
    }
}
