//! `backstitch`, as people install it.

use std::process::ExitCode;

use backstitch_cli::program::{self, Called};

fn main() -> ExitCode {
    program::main(Called::Directly)
}
