//! `backstitch::testing::prove` on each engine: first what the catalogue sees, then what a proof
//! makes of it, then real rollbacks.

mod corpus;
mod mysql;
mod postgres;
mod sqlite;

mod course;

use backstitch::testing::Difference;

/// An UP with a DOWN, and the differences that are left.
struct Case {
    before: &'static str,
    up: &'static str,
    down: &'static str,
    expected: &'static [&'static str],
}

impl Case {
    const fn new(up: &'static str, down: &'static str, expected: &'static [&'static str]) -> Case {
        Case {
            before: "",
            up,
            down,
            expected,
        }
    }

    /// With something that was there before.
    const fn after(self, before: &'static str) -> Case {
        Case { before, ..self }
    }

    /// What is wrong about these differences, if anything.
    fn judge(&self, differences: &[Difference]) -> Option<String> {
        let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let lines = |lines: &[String]| lines.join("\n").replace('\n', "\n  ");
        let expected: Vec<String> = self.expected.iter().map(|&one| one.to_owned()).collect();
        (told != expected).then(|| {
            format!(
                "{}\n{}\nexpected:\n  {}\nfound:\n  {}",
                self.up,
                self.down,
                lines(&expected),
                lines(&told)
            )
        })
    }
}
