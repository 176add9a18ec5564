//! The dashboard as a terminal shows it.

use backstitch::State;
use backstitch_core::render::{self, Style};
use jiff::Timestamp;

use super::{Applied, Dashboard, Health};
use crate::outlook::{Outlook, Risk, impact_name};
use crate::paint::{Cell, Dress, Table, fit, paint};
use crate::when;

/// So many pending migrations are listed.
const LISTED: usize = 10;
/// Where the values of the head begin.
const INDENT: usize = 13;

pub(super) fn draw(dashboard: &Dashboard, style: Style, width: Option<usize>) -> String {
    let mut text = head(dashboard, style, width);
    text += &pending(dashboard, style, width);
    text += &recent(dashboard, style, width);
    for diagnostic in &dashboard.diagnostics {
        text += "\n";
        text += &render::render(diagnostic, style);
    }
    text += &next(dashboard, style, width);
    text
}

fn head(dashboard: &Dashboard, style: Style, width: Option<usize>) -> String {
    let database = &dashboard.database;
    let mut place = paint(style, Dress::Bold, &database.name);
    if let Some(host) = &database.host {
        place += &format!(" on {host}");
    }
    if let Some(user) = &database.user {
        place += &format!(" as {user}");
    }
    let environment = match dashboard.environment.as_deref() {
        Some(name) => paint(style, Dress::Bold, name),
        None => paint(style, Dress::Dim, "not set (BACKSTITCH_ENV)"),
    };
    let (dress, word) = health(dashboard.health);
    let state = format!("{}  {}", paint(style, dress, word), dashboard.reason);
    let totals = &dashboard.totals;
    let mut counts = format!("{} applied, {} pending", totals.applied, totals.pending);
    if totals.unfinished > 0 {
        counts += &format!(", {} unfinished", totals.unfinished);
    }
    let last = dashboard
        .last
        .as_ref()
        .map_or_else(|| "nothing yet".to_owned(), last);
    let server = database.server.as_deref().unwrap_or(database.engine);
    let rows = [
        ("Database", place),
        ("Engine", server.to_owned()),
        ("Environment", environment),
        ("Health", state),
        ("Migrations", counts),
        ("Last", last),
    ];
    rows.iter()
        .map(|(label, value)| {
            let label = format!("{label:INDENT$}");
            let line = format!("{}{value}", paint(style, Dress::Dim, &label));
            format!("{}\n", fit(&line, width))
        })
        .collect()
}

fn health(health: Health) -> (Dress, &'static str) {
    match health {
        Health::Healthy => (Dress::Green, "healthy"),
        Health::Pending => (Dress::Yellow, "pending"),
        Health::Running => (Dress::Yellow, "running"),
        Health::Failed => (Dress::Red, "failed"),
        Health::Refused => (Dress::Red, "refused"),
        Health::Drift => (Dress::Red, "drift"),
    }
}

fn last(row: &Applied) -> String {
    let at = when::written(&row.applied_at);
    match when::ago(&row.applied_at, Timestamp::now()) {
        Some(ago) => format!("{} {ago} ({at})", row.id),
        None => format!("{} at {at}", row.id),
    }
}

fn pending(dashboard: &Dashboard, style: Style, width: Option<usize>) -> String {
    if dashboard.pending.is_empty() {
        return String::new();
    }
    let mut text = heading(style, "Pending");
    text += &outlooks(&dashboard.pending, LISTED, style, width);
    text
}

/// What is to be expected of migrations, one in a line.
pub(crate) fn outlooks(
    outlooks: &[Outlook],
    listed: usize,
    style: Style,
    width: Option<usize>,
) -> String {
    let mut table = Table::indented(2);
    for one in outlooks.iter().take(listed) {
        let dress = match one.risk {
            Risk::Low => Dress::Plain,
            Risk::Medium => Dress::Yellow,
            Risk::High => Dress::Red,
        };
        let mut risk = format!("{} risk", one.risk.name());
        if !one.because.is_empty() {
            risk += &format!(": {}", one.because.join(", "));
        }
        table.row([
            one.id.as_str().into(),
            format!("{} impact", impact_name(one.impact)).into(),
            Cell::new(risk, dress),
        ]);
    }
    let mut text = table.render(style, width);
    if outlooks.len() > listed {
        let more = format!("  and {} more", outlooks.len() - listed);
        text += &format!("{}\n", paint(style, Dress::Dim, &more));
    }
    text
}

fn recent(dashboard: &Dashboard, style: Style, width: Option<usize>) -> String {
    if dashboard.recent.is_empty() {
        return String::new();
    }
    heading(style, "Recent") + &rows(&dashboard.recent, style, width)
}

/// Rows of the history, one in a line.
pub(crate) fn rows(rows: &[Applied], style: Style, width: Option<usize>) -> String {
    let mut table = Table::indented(2);
    for row in rows {
        let (dress, sign) = match row.state {
            State::Applied => (Dress::Green, "applied"),
            State::Applying => (Dress::Yellow, "applying"),
            State::Reverting => (Dress::Yellow, "reverting"),
            _ => (Dress::Red, "failed"),
        };
        table.row([
            Cell::new(sign, dress),
            row.id.as_str().into(),
            Cell::new(when::written(&row.applied_at), Dress::Dim),
            when::took(row.execution_ms).into(),
            Cell::new(row.error.as_deref().unwrap_or(&row.name), Dress::Plain),
        ]);
    }
    table.render(style, width)
}

fn next(dashboard: &Dashboard, style: Style, width: Option<usize>) -> String {
    if dashboard.next.is_empty() {
        return String::new();
    }
    let mut table = Table::indented(2);
    for one in &dashboard.next {
        table.row([Cell::new(&*one.command, Dress::Cyan), one.does.into()]);
    }
    heading(style, "Next") + &table.render(style, width)
}

fn heading(style: Style, text: &str) -> String {
    format!("\n{}\n", paint(style, Dress::Bold, text))
}
