//! `cargo backstitch`: the same program, found by cargo.

use std::process::ExitCode;

use backstitch_cli::program::{self, Called};

fn main() -> ExitCode {
    program::main(Called::ByCargo)
}
