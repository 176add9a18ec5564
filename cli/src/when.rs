//! Times as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// `2026-02-09 09:00:00 UTC` of what the history holds.
pub(crate) fn written(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => time.to_owned(),
    }
}

/// `3 days ago`.
pub(crate) fn ago(time: &str, now: Timestamp) -> Option<String> {
    let seconds = now.as_second() - time.parse::<Timestamp>().ok()?.as_second();
    let (number, unit) = match seconds {
        // Clocks differ a little.
        ..=59 => return Some("just now".to_owned()),
        60..=3_599 => (seconds / 60, "minute"),
        3_600..=86_399 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    Some(format!("{number} {unit}{plural} ago"))
}

/// `4.2 ms`, `1.3 s`, `2 min 05 s`.
pub(crate) fn lasted(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{:.1} ms", s * 1_000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        _ => format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

/// How long a migration took, of what the history holds.
pub(crate) fn took(ms: Option<u64>) -> String {
    match ms {
        None => String::new(),
        Some(0) => "<1 ms".to_owned(),
        Some(ms @ 1..=999) => format!("{ms} ms"),
        Some(ms) => lasted(Duration::from_millis(ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let now: Timestamp = "2026-02-09T09:00:00Z".parse().expect("a time");
        let ago = |time| ago(time, now).expect("a time");
        assert_eq!(ago("2026-02-09T09:00:03.5Z"), "just now");
        assert_eq!(ago("2026-02-09T08:59:00Z"), "1 minute ago");
        assert_eq!(ago("2026-02-09T07:00:00.123456Z"), "2 hours ago");
        assert_eq!(ago("2026-01-09T09:00:00Z"), "31 days ago");
        assert_eq!(written("2026-01-09T09:00:00.5Z"), "2026-01-09 09:00:00 UTC");
        assert_eq!(took(Some(0)), "<1 ms");
        assert_eq!(took(Some(12)), "12 ms");
        assert_eq!(took(Some(1_200)), "1.2 s");
        assert_eq!(lasted(Duration::from_micros(4_200)), "4.2 ms");
        assert_eq!(lasted(Duration::from_millis(1_300)), "1.3 s");
        assert_eq!(lasted(Duration::from_secs(125)), "2 min 05 s");
    }
}
