//! The verb `facts`: every root fact of one tick, each hang domain in a lane of its own, all within one deadline.

use std::{
    fs,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown};

use super::lane::Lane;
use crate::host::{FactsRequest, HelperAnswers};

/// For everything together. The agent waits a little longer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Answers the request; never fails, since each part has its own reason.
pub(super) fn answer(_request: &FactsRequest) -> HelperAnswers {
    let end = Instant::now() + DEADLINE;
    let firmware = Lane::start("firmware", dmi_uuid);
    HelperAnswers { dmi_uuid: Some(firmware.finish(end).into()), ..HelperAnswers::default() }
}

fn dmi_uuid() -> Reading<String> {
    let path = "/sys/class/dmi/id/product_uuid";
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Unknown::absent(format!("{path} is not there")),
        _ => Unknown::error(format!("{path}: {error}")),
    });
    Ok(text?.trim().to_lowercase())
}
