//! What stands behind the colon of an annotation, as typed values.

use std::borrow::Cow;

use crate::checksum::Checksum;
use crate::diagnostic::did_you_mean;
use crate::external::External;
use crate::source::{Located, Span};
use crate::statement::Batch;

/// The text behind the colon.
pub(super) struct Value<'t> {
    /// Trimmed; of several lines only where the key may go on over lines.
    pub(super) text: Cow<'t, str>,
    /// Where it stands.
    pub(super) span: Span,
}

/// Why a [`Value`] is not what its key takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad {
    /// The words that are wrong.
    pub(super) span: Span,
    /// What is wrong about them, in a few words.
    pub(super) label: String,
    /// The whole value as it was probably meant.
    pub(super) instead: Option<String>,
}

/// A number of milliseconds that every engine can count in its timeouts.
const MAX_DURATION_MS: u64 = i32::MAX as u64;

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

impl Value<'_> {
    /// Reads the value into `slot`.
    pub(super) fn put<T>(
        &self,
        slot: &mut Option<Located<T>>,
        read: impl FnOnce(&Self) -> Result<T, Bad>,
    ) -> Result<(), Bad> {
        *slot = Some(Located {
            value: read(self)?,
            span: self.span,
        });
        Ok(())
    }

    /// Free text.
    pub(super) fn text(&self) -> Result<String, Bad> {
        if self.text.starts_with('<') && self.text.ends_with('>') {
            return Err(self.bad("still to be written", None));
        }
        if self.text.contains(|c: char| c.is_control() && c != '\t') {
            return Err(self.bad("holds a control character", None));
        }
        Ok(self.text.clone().into_owned())
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Bad> {
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == self.text) {
            return Ok(*value);
        }
        let names = || words.iter().map(|(word, _)| *word);
        let label = format!("not {}", any_of(names()));
        let near = did_you_mean(&self.text, names());
        Err(self.bad(&label, near.map(str::to_owned)))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, Bad> {
        self.one_of(&[("true", true), ("false", false)])
            .map_err(|bad| Bad {
                instead: bad
                    .instead
                    .or_else(|| truth(&self.text).map(|truth| truth.to_string())),
                ..bad
            })
    }

    /// A date and time of RFC 3339, kept as it is written.
    pub(super) fn timestamp(&self) -> Result<String, Bad> {
        if is_rfc3339(&self.text) {
            return Ok(self.text.clone().into_owned());
        }
        let text = self.text.replacen(' ', "T", 1);
        let instead = [
            text.clone(),
            format!("{text}Z"),
            format!("{text}:00Z"),
            format!("{text}T00:00:00Z"),
        ]
        .into_iter()
        .find(|candidate| is_rfc3339(candidate));
        let label = match self.text.parse::<jiff::civil::DateTime>() {
            Ok(_) => "not a full RFC 3339 date, time and offset",
            Err(_) => "not an RFC 3339 timestamp",
        };
        Err(self.bad(label, instead))
    }

    /// `5s`, `500ms`, `2m`.
    pub(super) fn duration_ms(&self) -> Result<u64, Bad> {
        duration_ms(&self.text).map_err(|(label, instead)| self.bad(label, instead))
    }

    /// `[id, id]`.
    pub(super) fn ids(&self) -> Result<Vec<Located<String>>, Bad> {
        let meant = || {
            let ids = self
                .text
                .split([',', ' ', '[', ']', '"', '\'', '`', '{', '}']);
            let ids: Vec<&str> = ids
                .map(|id| id.strip_suffix(".sql").unwrap_or(id))
                .filter(|id| !id.is_empty())
                .collect();
            let ids = ids.iter().all(|id| is_id(id)).then(|| ids.join(", "));
            ids.map(|ids| format!("[{ids}]"))
        };
        let Some(list) = self
            .text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
        else {
            return Err(self.bad("not a list in square brackets", meant()));
        };
        if list.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<Located<String>> = Vec::new();
        for id in self.parts(list, ',') {
            let label = if !is_id(&id.value) {
                "not the id of a migration"
            } else if ids.iter().any(|other| other.value == id.value) {
                "named twice"
            } else {
                ids.push(id);
                continue;
            };
            return Err(Bad {
                span: id.span,
                label: label.to_owned(),
                instead: meant().filter(|meant| *meant != self.text),
            });
        }
        Ok(ids)
    }

    /// `v1:` and 64 hexadecimal digits.
    pub(super) fn checksum(&self) -> Result<Checksum, Bad> {
        self.text.parse().map_err(|_| {
            let lower = self.text.to_lowercase();
            let instead = [lower.clone(), format!("v1:{lower}")]
                .into_iter()
                .find(|text| text.parse::<Checksum>().is_ok());
            self.bad("not `v1:` and 64 hexadecimal digits", instead)
        })
    }

    /// `rule-code (reason)`.
    pub(super) fn allow(&self) -> Result<(String, String), Bad> {
        let is_rule = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let rule_len = self.text.find(|c| !is_rule(c)).unwrap_or(self.text.len());
        let (rule, rest) = self.text.split_at(rule_len);
        if rule.is_empty() {
            return Err(self.bad("does not begin with the code of a rule", None));
        }
        let rest_bare = rest.trim_matches(|c: char| c.is_whitespace() || ":-,()".contains(c));
        let reason = if rest_bare.is_empty() {
            "<reason>"
        } else {
            rest_bare
        };
        let instead = Some(format!("{rule} ({reason})"));
        let rest = rest.trim_start();
        let Some(reason) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) else {
            let label = match rest_bare {
                "" => "the reason in brackets is missing",
                _ => "not one rule and a reason in brackets",
            };
            return Err(self.bad(label, instead));
        };
        if reason.trim().is_empty() || reason.trim() == "<reason>" {
            return Err(self.bad("the reason is still to be written", None));
        }
        Ok((rule.to_owned(), reason.trim().to_owned()))
    }

    /// `[table auth.users, extension postgis]`
    pub(super) fn externals(&self) -> Result<Vec<Located<String>>, Bad> {
        let list = self.text.strip_prefix('[');
        let Some(list) = list.and_then(|text| text.strip_suffix(']')) else {
            let meant = format!("[{}]", self.text.trim_matches(['[', ']']));
            return Err(self.bad("not a list in square brackets", Some(meant)));
        };
        let mut externals = Vec::new();
        for one in self.parts(list, ',') {
            if let Err(unreadable) = External::parse(&one.value) {
                let meant = unreadable.instead;
                return Err(Bad {
                    span: one.span,
                    label: unreadable.why,
                    instead: meant.map(|meant| self.text.replacen(&one.value, &meant, 1)),
                });
            }
            externals.push(one);
        }
        Ok(externals)
    }

    /// `0007_recode`: letters, digits, `_`, `-` and `.`.
    pub(super) fn step(&self) -> Result<String, Bad> {
        let is_step_char = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        match !self.text.is_empty() && self.text.chars().all(is_step_char) {
            true => Ok(self.text.to_string()),
            false => Err(self.bad("not a name of letters, digits, `_`, `-` and `.`", None)),
        }
    }

    /// `1000`, `1000, pause 50ms` or `1000, pause 50ms, at most 500 rounds`.
    pub(super) fn batch(&self) -> Result<Batch, Bad> {
        let mut parts = self.parts(&self.text, ',');
        let rows = parts.next().expect("a split has a first part");
        let digits: String = rows.value.chars().filter(char::is_ascii_digit).collect();
        let count = rows.value.parse::<u32>().ok().filter(|&count| count > 0);
        let Some(count) = count else {
            let instead = digits.parse::<u32>().ok().filter(|&count| count > 0);
            return Err(Bad {
                span: rows.span,
                label: "not a number of rows above zero".to_owned(),
                instead: instead.map(|count| count.to_string()),
            });
        };
        let mut batch = Batch {
            rows: u64::from(count),
            pause_ms: 0,
            most_rounds: None,
        };
        let mut is_paused = false;
        for part in parts {
            let bound = part.value.strip_prefix("at most").map(str::trim);
            match bound {
                Some(bound) if batch.most_rounds.is_none() => {
                    batch.most_rounds = Some(bound_of(bound, &part, count)?);
                }
                None if !is_paused => {
                    batch.pause_ms = pause_of(&part, count)?;
                    is_paused = true;
                }
                Some(_) | None => {
                    return Err(Bad {
                        span: part.span,
                        label: "nothing is known to stand here".to_owned(),
                        instead: None,
                    });
                }
            }
        }
        Ok(batch)
    }

    fn bad(&self, label: &str, instead: Option<String>) -> Bad {
        Bad {
            span: self.span,
            label: label.to_owned(),
            instead,
        }
    }

    /// The trimmed parts of `list`, a slice of the value's first line, with their places.
    fn parts<'v>(
        &'v self,
        list: &'v str,
        sign: char,
    ) -> impl Iterator<Item = Located<String>> + 'v {
        let start = |part: &str| {
            let offset = part.as_ptr().addr() - self.text.as_ptr().addr();
            self.span.start as usize + offset
        };
        list.split(sign).map(move |part| {
            let part = part.trim();
            Located {
                value: part.to_owned(),
                span: Span::new(start(part)..start(part) + part.len()),
            }
        })
    }
}

/// Whether `text` could be the id of a migration: digits, an underscore, a slug.
pub(super) fn is_id(text: &str) -> bool {
    let is_id_char = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains('_')
        && !text.ends_with(".sql")
        && text.chars().all(is_id_char)
}

fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "on" | "1" | "safe" => Some(true),
        "no" | "off" | "0" | "unsafe" => Some(false),
        _ => None,
    }
}

/// `a`, `b` or `c`, quoted.
fn any_of<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// jiff reads more than RFC 3339 allows, so the shape is looked at too.
fn is_rfc3339(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let Some(rest) = [
        "0000-00-00T00:00:00",
        "0000-00-00t00:00:00",
        "0000-00-00 00:00:00",
    ]
    .iter()
    .find_map(|date_time| shape.strip_prefix(date_time)) else {
        return false;
    };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) if fraction.starts_with('0') => fraction.trim_start_matches('0'),
        _ => rest,
    };
    matches!(offset, "Z" | "z" | "+00:00" | "-00:00") && text.parse::<jiff::Timestamp>().is_ok()
}

/// The milliseconds, or what is wrong and what was probably meant.
fn duration_ms(text: &str) -> Result<u64, (&'static str, Option<String>)> {
    const LABEL: &str = "not a duration such as `5s` or `500ms`";
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let Some(&(_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let unit = match unit.trim().to_lowercase().as_str() {
            // Nobody waits for minutes without saying so.
            "" if count.len() > 2 => Some("ms"),
            "" | "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
            "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
            "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
            "h" | "hour" | "hours" => Some("h"),
            _ => None,
        };
        let instead = unit
            .map(|unit| format!("{count}{unit}"))
            .filter(|meant| duration_ms(meant).is_ok());
        return Err((LABEL, instead));
    };
    let ms = count
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(factor));
    match ms {
        Some(0) => Err(("a duration above zero is needed", None)),
        Some(ms) if ms <= MAX_DURATION_MS => Ok(ms),
        Some(_) => Err(("longer than an engine can count (24 days)", None)),
        None => Err((LABEL, None)),
    }
}

/// `pause 50ms`
fn pause_of(part: &Located<String>, rows: u32) -> Result<u64, Bad> {
    let word = part.value.strip_prefix("pause").map(str::trim);
    let duration = word.unwrap_or(&part.value);
    match (word, duration_ms(duration)) {
        (Some(_), Ok(ms)) => Ok(ms),
        (_, answer) => {
            let meant = match &answer {
                Ok(_) => Some(duration.to_owned()),
                Err((_, instead)) => instead.clone(),
            };
            Err(Bad {
                span: part.span,
                label: "not `pause` and a duration".to_owned(),
                instead: meant.map(|pause| format!("{rows}, pause {pause}")),
            })
        }
    }
}

/// The number in `at most 500 rounds`.
fn bound_of(bound: &str, part: &Located<String>, rows: u32) -> Result<u64, Bad> {
    let number = bound.strip_suffix("rounds").unwrap_or(bound).trim();
    let most = number.parse::<u32>().ok().filter(|&most| most > 0);
    most.map(u64::from).ok_or_else(|| {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let meant = digits.parse::<u32>().ok().filter(|&most| most > 0);
        Bad {
            span: part.span,
            label: "not `at most` and a number of rounds above zero".to_owned(),
            instead: meant.map(|most| format!("{rows}, at most {most} rounds")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value<'_> {
        Value {
            text: text.into(),
            span: Span::new(100..100 + text.len()),
        }
    }

    fn instead<T: std::fmt::Debug>(answer: Result<T, Bad>) -> Option<String> {
        answer.expect_err("a bad value").instead
    }

    #[test]
    fn durations() {
        assert_eq!(value("5s").duration_ms(), Ok(5_000));
        assert_eq!(value("500ms").duration_ms(), Ok(500));
        assert_eq!(value("2m").duration_ms(), Ok(120_000));
        assert_eq!(value("1h").duration_ms(), Ok(3_600_000));
        assert_eq!(instead(value("5").duration_ms()).as_deref(), Some("5s"));
        assert_eq!(
            instead(value("5000").duration_ms()).as_deref(),
            Some("5000ms")
        );
        assert_eq!(instead(value("5 sec").duration_ms()).as_deref(), Some("5s"));
        assert_eq!(instead(value("5S").duration_ms()).as_deref(), Some("5s"));
        for bad in [
            "",
            "s",
            "0s",
            "-5s",
            "1.5s",
            "99999999999999999999s",
            "600h",
            "五s",
        ] {
            assert_eq!(instead(value(bad).duration_ms()), None, "{bad}");
        }
    }

    #[test]
    fn timestamps() {
        for good in [
            "2026-01-05T10:00:00Z",
            "2026-01-05t10:00:00.123456z",
            "2026-01-05 10:00:00+02:00",
            "2024-02-29T23:59:59-11:30",
        ] {
            assert_eq!(value(good).timestamp().as_deref(), Ok(good));
        }
        let meant = |text| instead(value(text).timestamp());
        assert_eq!(meant("2026-01-05").as_deref(), Some("2026-01-05T00:00:00Z"));
        assert_eq!(
            meant("2026-01-05 10:00").as_deref(),
            Some("2026-01-05T10:00:00Z")
        );
        assert_eq!(
            meant("2026-01-05T10:00:00").as_deref(),
            Some("2026-01-05T10:00:00Z")
        );
        for bad in [
            "yesterday",
            "2026-02-30T10:00:00Z",
            "20260105T100000Z",
            "2026-01-05T25:00:00Z",
            "",
        ] {
            assert_eq!(meant(bad), None, "{bad}");
        }
    }

    #[test]
    fn lists_of_ids() {
        assert_eq!(value("[]").ids(), Ok(Vec::new()));
        let ids = value("[0001_a,  0002_b]").ids().expect("two ids");
        assert_eq!(ids[1].value, "0002_b");
        assert_eq!(ids[1].span, Span::new(110..116));
        assert_eq!(
            instead(value("0001_a 0002_b").ids()).as_deref(),
            Some("[0001_a, 0002_b]")
        );
        assert_eq!(
            instead(value("['0001_a.sql']").ids()).as_deref(),
            Some("[0001_a]")
        );
        assert_eq!(
            value("[0001_a, 0001_a]").ids().unwrap_err().span,
            Span::new(109..115)
        );
        assert!(value("[users]").ids().is_err());
        assert!(value("[0001_a,]").ids().is_err());
    }

    #[test]
    fn allows_and_batches() {
        assert_eq!(
            value("drop-table (it is (really) empty)").allow(),
            Ok(("drop-table".into(), "it is (really) empty".into()))
        );
        assert_eq!(
            instead(value("drop-table").allow()).as_deref(),
            Some("drop-table (<reason>)")
        );
        assert_eq!(
            instead(value("drop-table: is empty").allow()).as_deref(),
            Some("drop-table (is empty)")
        );
        assert!(value("(why)").allow().is_err());
        assert!(value("drop-table ( )").allow().is_err());
        assert_eq!(
            value("1000").batch(),
            Ok(Batch {
                rows: 1000,
                pause_ms: 0,
                most_rounds: None,
            })
        );
        assert_eq!(
            value("1000, pause 50ms").batch(),
            Ok(Batch {
                rows: 1000,
                pause_ms: 50,
                most_rounds: None,
            })
        );
        for bounded in [
            "10, pause 1s, at most 500 rounds",
            "10, at most 500, pause 1s",
        ] {
            let batch = value(bounded).batch().expect("a batch");
            assert_eq!((batch.most_rounds, batch.pause_ms), (Some(500), 1000));
        }
        assert_eq!(
            instead(value("10, at most 1_000").batch()).as_deref(),
            Some("10, at most 1000 rounds")
        );
        assert_eq!(instead(value("1_000").batch()).as_deref(), Some("1000"));
        assert_eq!(
            instead(value("10, 50ms").batch()).as_deref(),
            Some("10, pause 50ms")
        );
        assert_eq!(
            instead(value("10, pause 50").batch()).as_deref(),
            Some("10, pause 50s")
        );
        for bad in [
            "0",
            "",
            "-1",
            "many",
            "10,",
            "10, pause 1s, more",
            "10, at most 0",
            "10, at most 1, at most 2",
            "10, pause 1s, pause 2s",
        ] {
            assert!(value(bad).batch().is_err(), "{bad}");
        }
    }

    #[test]
    fn words() {
        assert_eq!(value("true").boolean(), Ok(true));
        assert_eq!(instead(value("TRUE").boolean()).as_deref(), Some("true"));
        assert_eq!(instead(value("yes").boolean()).as_deref(), Some("true"));
        assert_eq!(instead(value("perhaps").boolean()), None);
        assert!(value("<reason>").text().is_err());
        assert!(value("a\0b").text().is_err());
    }
}
