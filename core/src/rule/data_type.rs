//! Types taken apart, so that rules can tell which values fit into them.

/// A type as the model spells it, taken apart: `character varying(20)`, `int unsigned`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataType {
    /// Without arguments and signs: `character varying`, `timestamp with time zone`.
    pub(crate) base: String,
    /// What stands in the parentheses.
    pub(crate) arguments: Vec<String>,
    pub(crate) is_array: bool,
    pub(crate) is_unsigned: bool,
}

impl DataType {
    pub(crate) fn parse(text: &str) -> DataType {
        let (text, is_array) = match text.strip_suffix("[]") {
            Some(element) => (element, true),
            None => (text, false),
        };
        let (before, arguments, behind) = match (text.find('('), text.rfind(')')) {
            (Some(open), Some(close)) if open < close => {
                (&text[..open], &text[open + 1..close], &text[close + 1..])
            }
            _ => (text, "", ""),
        };
        let words = before.split(' ').chain(behind.split(' '));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let base = words
            .iter()
            .filter(|word| !matches!(**word, "unsigned" | "zerofill"));
        DataType {
            base: base.copied().collect::<Vec<_>>().join(" "),
            arguments: separate(arguments),
            is_array,
            is_unsigned: words.contains(&"unsigned"),
        }
    }

    /// The argument at `at`, as a number.
    pub(crate) fn number(&self, at: usize) -> Option<u64> {
        self.arguments.get(at)?.trim().parse().ok()
    }

    /// How many bytes an integer has.
    pub(crate) fn integer_len(&self) -> Option<u8> {
        Some(match self.base.as_str() {
            "tinyint" => 1,
            "smallint" | "smallserial" => 2,
            "mediumint" => 3,
            "integer" | "int" | "serial" => 4,
            "bigint" | "bigserial" => 8,
            _ => return None,
        })
    }

    /// The longest text it holds, in characters; `u64::MAX` where there is no limit of its own.
    pub(crate) fn text_len(&self) -> Option<u64> {
        if self.is_array {
            return None;
        }
        Some(match self.base.as_str() {
            "character varying" | "varchar" => self.number(0).unwrap_or(u64::MAX),
            "character" | "char" => self.number(0).unwrap_or(1),
            "tinytext" => 255,
            "text" | "citext" | "mediumtext" | "longtext" => u64::MAX,
            _ => return None,
        })
    }
}

/// The parts between commas that stand in no quotes.
fn separate(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(std::mem::take(&mut part).trim().to_owned());
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    if !part.trim().is_empty() {
        parts.push(part.trim().to_owned());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_apart() {
        let check = |text, base: &str, arguments: &[&str]| {
            let parsed = DataType::parse(text);
            assert_eq!(
                (parsed.base.as_str(), parsed.arguments.as_slice()),
                (
                    base,
                    &arguments
                        .iter()
                        .map(|a| (*a).to_owned())
                        .collect::<Vec<_>>()[..]
                ),
                "{text}"
            );
        };
        check("character varying(20)", "character varying", &["20"]);
        check("numeric(10,2)", "numeric", &["10", "2"]);
        check(
            "timestamp(3) with time zone",
            "timestamp with time zone",
            &["3"],
        );
        check("int unsigned", "int", &[]);
        check("enum('a','b,c')", "enum", &["'a'", "'b,c'"]);
        assert!(DataType::parse("text[]").is_array);
        assert!(DataType::parse("bigint unsigned").is_unsigned);
    }
}
