//! The Unraid plugin.
fn main() {}
