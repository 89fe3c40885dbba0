//! Being written.

