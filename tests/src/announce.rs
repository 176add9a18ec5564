//! Lines that are seen although the test harness captures what tests print.

use std::io::Write;

/// Writes a line to standard error. Only the print macros are captured, so this is always seen.
pub fn announce(line: &str) {
    // In one call, so that lines of tests that run at the same time do not mix.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
