//! A failure as people read it: what, why, and what to type.

use super::{
    paint::{Tone, paint},
    text,
};
use crate::failure::Failure;

/// `error: …`, `  caused by: …`, `hint: …`.
pub(crate) fn failure(failure: &Failure) -> String {
    let mut lines = format!("{} {}\n", paint(Tone::Bad, "error:"), failure.what);
    for cause in &failure.causes {
        lines.push_str(&format!("  caused by: {cause}\n"));
    }
    for hint in &failure.hints {
        for line in text::hint(0, hint, usize::MAX) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    lines
}
