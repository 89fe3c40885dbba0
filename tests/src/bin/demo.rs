//! The demonstration: `make demo`, or `make demo ONCE=1`.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord_tests::demo::main(std::env::args().skip(1))
}
