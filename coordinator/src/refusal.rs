//! How the coordinator says no: any error of its own as a gRPC status with cause and hint.

use std::error::Error;

use coord_proto::refused::Refused;
use tonic::{Code, Status};

use crate::store::{
    StoreError, StoreFailure, enrolment::EnrolRefusal, generations::GenerationRefusal, nodes::NodeRefusal,
    rejoin::RejoinRefusal, tokens::TokenRefusal,
};

/// The sentence of an error, without the hint that it may carry.
pub(crate) fn sentence(error: &dyn Error) -> String {
    split_hint(&error.to_string()).0
}

/// `text (hint: what to type)` as its two parts.
fn split_hint(text: &str) -> (String, String) {
    match text.split_once(" (hint: ") {
        Some((what, hint)) => (what.to_owned(), hint.strip_suffix(')').unwrap_or(hint).to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

/// Any refusal of the coordinator as a status with cause and hint.
pub(crate) fn refuse(error: &(dyn Error + 'static)) -> Status {
    let (what, hint) = split_hint(&error.to_string());
    let cause = error.source().map_or_else(String::new, |cause| split_hint(&cause.to_string()).0);
    Refused { what, cause, hint }.into_status(code(error))
}

/// A store that cannot be written passes (gRPC's code for a full file system; `Unavailable` would say that nobody
/// answered); everything else stays refused.
fn code(error: &(dyn Error + 'static)) -> Code {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match store_error(error) {
            Some(error) if error.is_full() => return Code::ResourceExhausted,
            Some(_) => return Code::Internal,
            None => cause = error.source(),
        }
    }
    Code::FailedPrecondition
}

/// The store's own failure. Refusals that pass it on as their own do not name it as their cause, so they are asked.
fn store_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    if let Some(EnrolRefusal::Token(refusal)) = error.downcast_ref() {
        return refusal.store_error();
    }
    inside::<StoreError>(error)
        .or_else(|| inside::<EnrolRefusal>(error))
        .or_else(|| inside::<TokenRefusal>(error))
        .or_else(|| inside::<NodeRefusal>(error))
        .or_else(|| inside::<RejoinRefusal>(error))
        .or_else(|| inside::<GenerationRefusal>(error))
}

fn inside<'a, E: StoreFailure + Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    error.downcast_ref::<E>()?.store_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_full_or_stops_can_be_tried_again_whoever_passes_it_on() {
        let full = || StoreError::Full(rusqlite::Error::InvalidQuery);
        assert_eq!(refuse(&full()).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&TokenRefusal::Store(full())).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&EnrolRefusal::Store(full())).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&EnrolRefusal::Token(TokenRefusal::Store(full()))).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&NodeRefusal::Store(full())).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&RejoinRefusal::Store(full())).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&GenerationRefusal::Store(full())).code(), Code::ResourceExhausted);
        assert_eq!(refuse(&EnrolRefusal::Store(StoreError::Stopped)).code(), Code::Internal);
        assert_eq!(refuse(&EnrolRefusal::KeyRevoked).code(), Code::FailedPrecondition);
    }
}
