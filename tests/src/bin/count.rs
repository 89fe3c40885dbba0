//! The test runner: `make test`.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord_tests::count::main(std::env::args().skip(1))
}
