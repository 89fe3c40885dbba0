//! The fuzz targets, one after the other: `make fuzz`.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord_tests::fuzz::main(std::env::args().skip(1))
}
