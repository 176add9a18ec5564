//! The values of the keys, read.

use toml::Spanned;
use toml::de::DeValue;

use super::{Bad, LEVELS, Level, Options, Version, VersionError};
use crate::diagnostic::did_you_mean;
use crate::dialect::Dialect;
use crate::external::External;
use crate::source::{Located, Span};

pub(super) fn put<T>(slot: &mut Option<T>, value: Result<T, Bad>) -> Result<(), Vec<Bad>> {
    *slot = Some(value.map_err(|bad| vec![bad])?);
    Ok(())
}

pub(super) fn engine(value: &Spanned<DeValue<'_>>) -> Result<Dialect, Bad> {
    let name = text(value)?;
    Dialect::from_name(&name).ok_or_else(|| {
        let names = Dialect::ALL.map(Dialect::name);
        let near = match name.to_lowercase().as_str() {
            "postgresql" | "pg" => Some("postgres"),
            "sqlite3" => Some("sqlite"),
            lower => did_you_mean(lower, names),
        };
        Bad {
            instead: near.map(|near| format!("engine = \"{near}\"")),
            ..bad(value, &format!("not one of `{}`", names.join("`, `")))
        }
    })
}

/// One of the words of `choices`.
pub(super) fn choice<T: Copy>(
    value: &Spanned<DeValue<'_>>,
    key: &str,
    choices: &[(&'static str, T)],
) -> Result<T, Bad> {
    let word = text(value)?;
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let near = did_you_mean(&word.replace('_', "-"), names.iter().copied());
        Bad {
            instead: near.map(|near| format!("{key} = \"{near}\"")),
            ..bad(value, &format!("not one of `{}`", names.join("`, `")))
        }
    })
}

pub(super) fn version(value: &Spanned<DeValue<'_>>) -> Result<Version, Bad> {
    let quoted = |text: &str| Bad {
        instead: Some(format!("server = \"{text}\"")),
        ..bad(value, "not in quotes")
    };
    match value.get_ref() {
        DeValue::Integer(number) => Err(quoted(number.as_str())),
        DeValue::Float(number) => Err(quoted(number.as_str())),
        _ => text(value)?
            .parse()
            .map_err(|error: VersionError| bad(value, &error.to_string())),
    }
}

pub(super) fn text(value: &Spanned<DeValue<'_>>) -> Result<String, Bad> {
    match value.get_ref().as_str() {
        Some("") => Err(bad(value, "empty")),
        Some(text) => Ok(text.to_owned()),
        None => Err(bad(value, "not a text in quotes")),
    }
}

pub(super) fn located(value: &Spanned<DeValue<'_>>) -> Result<Located<String>, Bad> {
    Ok(Located {
        value: text(value)?,
        span: Span::new(value.span()),
    })
}

pub(super) fn texts(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Vec<Bad>> {
    let list = value.get_ref().as_array();
    let list = list.ok_or_else(|| vec![bad(value, "not a list in square brackets")])?;
    collect(list.iter().map(text))
}

pub(super) fn externals(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Vec<Bad>> {
    texts(value)?;
    let list = value.get_ref().as_array();
    let list = list.into_iter().flatten();
    collect(list.map(|value| {
        let text = text(value)?;
        match External::parse(&text) {
            Ok(_) => Ok(text),
            Err(unreadable) => Err(Bad {
                instead: unreadable
                    .instead
                    .map(|one| format!("external = [\"{one}\"]")),
                ..bad(value, &unreadable.why)
            }),
        }
    }))
}

pub(super) fn rules(options: &mut Options, value: &Spanned<DeValue<'_>>) -> Result<(), Vec<Bad>> {
    let table = value.get_ref().as_table();
    let table = table.ok_or_else(|| vec![bad(value, "not a table")])?;
    let mut bads = Vec::new();
    for (name, value) in table {
        let rule = name.get_ref().to_string();
        match level(&rule, value) {
            Ok(level) => {
                let span = Span::new(name.span());
                options.rules.insert(rule, Located { value: level, span });
            }
            Err(bad) => bads.push(bad),
        }
    }
    if bads.is_empty() { Ok(()) } else { Err(bads) }
}

pub(super) fn level(rule: &str, value: &Spanned<DeValue<'_>>) -> Result<Level, Bad> {
    let name = text(value)?;
    let level = LEVELS.iter().find(|(level, _)| *level == name);
    level.map(|(_, level)| *level).ok_or_else(|| {
        let near = match name.to_lowercase().as_str() {
            "error" | "forbid" => Some("deny"),
            "off" | "ignore" | "none" => Some("allow"),
            lower => did_you_mean(lower, LEVELS.map(|(level, _)| level)),
        };
        Bad {
            instead: near.map(|near| format!("[rules]\n{rule} = \"{near}\"")),
            ..bad(value, "not one of `allow`, `info`, `warn`, `deny`")
        }
    })
}

/// All values, or all that is wrong with them.
pub(super) fn collect<T>(values: impl Iterator<Item = Result<T, Bad>>) -> Result<Vec<T>, Vec<Bad>> {
    let (mut good, mut bads) = (Vec::new(), Vec::new());
    for value in values {
        match value {
            Ok(value) => good.push(value),
            Err(bad) => bads.push(bad),
        }
    }
    if bads.is_empty() { Ok(good) } else { Err(bads) }
}

pub(super) fn bad(value: &Spanned<DeValue<'_>>, label: &str) -> Bad {
    Bad {
        span: Span::new(value.span()),
        label: label.to_owned(),
        instead: None,
    }
}
