//! `backstitch`.

use std::process::ExitCode;

use backstitch_cli::program::{self, Called};

fn main() -> ExitCode {
    program::main(Called::Directly)
}
