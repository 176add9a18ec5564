//! What is sent to a server in one go, and how its answers find their way back.
//!
//! A [`Message`] is a list of [`Piece`]s. Where the engine takes several statements in one round
//! trip the pieces are joined into one text; where it does not they go one by one. Either way the
//! answers come back piece by piece, and a refusal names the piece, so that an error of the server
//! can be shown at its place in the migration's file.

use std::borrow::Cow;
use std::time::Duration;

/// One statement on its way to the server.
#[derive(Clone, Debug)]
pub struct Piece<'m> {
    /// The SQL, without a semicolon at its end.
    pub sql: Cow<'m, str>,
    /// Where it comes from.
    pub origin: Origin,
    /// How many rows of the answer are kept; the others are counted only.
    pub keep_rows: usize,
    /// How many bytes at its beginning are the library's, in front of the migration's own.
    pub lead: usize,
}

/// Where a [`Piece`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The library's own book-keeping.
    Library,
    /// A statement of a migration.
    Migration {
        /// The position of the migration in the plan.
        step: usize,
        /// Which part of it.
        part: Part,
        /// The position of the statement in that part.
        statement: usize,
    },
}

/// A part of a migration that holds statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `-- CHECK BEFORE:`
    CheckBefore,
    /// `-- UP MIGRATION`
    Up,
    /// `-- CHECK AFTER:`
    CheckAfter,
    /// `-- DOWN MIGRATION`
    Down,
}

impl<'m> Piece<'m> {
    /// A statement of the library whose rows are of no interest.
    pub fn library(sql: impl Into<Cow<'m, str>>) -> Piece<'m> {
        Piece {
            sql: sql.into(),
            origin: Origin::Library,
            keep_rows: 0,
            lead: 0,
        }
    }

    /// A query of the library.
    pub fn query(sql: impl Into<Cow<'m, str>>) -> Piece<'m> {
        Piece {
            keep_rows: usize::MAX,
            ..Piece::library(sql)
        }
    }

    /// Whether the server may answer it more than once, or not at all, so that it must travel
    /// alone: what it runs decides, not its text.
    pub fn answers_freely(&self) -> bool {
        const WORDS: [&str; 4] = ["call", "execute", "begin", "perform"];
        let Origin::Migration { .. } = self.origin else {
            return false;
        };
        let first = self
            .sql
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        WORDS.iter().any(|word| first.eq_ignore_ascii_case(word))
    }
}

/// Statements that are sent together.
#[derive(Clone, Debug, Default)]
pub struct Message<'m> {
    /// In order.
    pub pieces: Vec<Piece<'m>>,
}

impl<'m> Message<'m> {
    /// A message of these pieces.
    pub fn of(pieces: impl IntoIterator<Item = Piece<'m>>) -> Message<'m> {
        Message {
            pieces: pieces.into_iter().collect(),
        }
    }

    /// The pieces in runs that may travel together: all of them, but for those that
    /// [answer freely](Piece::answers_freely), which go alone.
    pub fn runs(&self) -> Vec<std::ops::Range<usize>> {
        let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
        let mut open = false;
        for (index, piece) in self.pieces.iter().enumerate() {
            let alone = piece.answers_freely();
            match runs.last_mut() {
                Some(run) if open && !alone => run.end = index + 1,
                _ => runs.push(index..index + 1),
            }
            open = !alone;
        }
        runs
    }

    /// All pieces as one text, and where each begins in it, in bytes.
    pub fn joined(&self) -> (String, Vec<usize>) {
        const SEPARATOR: &str = ";\n";
        let length = self
            .pieces
            .iter()
            .map(|piece| piece.sql.len() + SEPARATOR.len())
            .sum();
        let mut text = String::with_capacity(length);
        let starts = self.pieces.iter().map(|piece| {
            let start = text.len();
            text.push_str(&piece.sql);
            text.push_str(SEPARATOR);
            start
        });
        let starts = starts.collect();
        (text, starts)
    }
}

/// What the server said to one piece.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The rows that were asked for, as text; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// The names of the columns, where there were rows.
    pub columns: Vec<String>,
    /// How many rows it returned in all.
    pub rows_returned: u64,
    /// How many rows it changed.
    pub rows_affected: u64,
    /// From the answer before to this one, as seen by the client. Servers hold answers back, so
    /// this is exact only for pieces that travel alone.
    pub elapsed: Duration,
}

/// The server, or the way to it, did not take a message.
#[derive(Debug)]
pub struct Refused {
    /// What was answered before.
    pub answers: Vec<Answer>,
    /// The piece that failed. When the connection broke, the first that was not answered.
    pub piece: usize,
    /// The byte inside the piece that the server points at.
    pub byte: Option<usize>,
    /// What it said.
    pub error: sqlx::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_know_where_they_begin() {
        let message = Message::of([Piece::library("BEGIN"), Piece::library("SELECT 1")]);
        let (text, starts) = message.joined();
        assert_eq!(text, "BEGIN;\nSELECT 1;\n");
        assert_eq!(starts, [0, 7]);
    }

    #[test]
    fn runs_break_around_procedures() {
        let origin = Origin::Migration {
            step: 0,
            part: Part::Up,
            statement: 0,
        };
        let call = Piece {
            sql: Cow::Borrowed("CALL p()"),
            origin,
            keep_rows: 0,
            lead: 0,
        };
        let plain = Piece::library("SELECT 1");
        let runs = |pieces: &[&Piece<'static>]| {
            Message::of(pieces.iter().map(|piece| (*piece).clone())).runs()
        };
        assert_eq!(
            runs(&[&plain, &plain, &call, &plain, &plain]),
            [0..2, 2..3, 3..5]
        );
        assert_eq!(runs(&[&call, &call]), [0..1, 1..2]);
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn procedures_travel_alone() {
        let origin = Origin::Migration {
            step: 0,
            part: Part::Up,
            statement: 0,
        };
        let piece = |sql| Piece {
            sql: Cow::Borrowed(sql),
            origin,
            keep_rows: 0,
            lead: 0,
        };
        assert!(piece("call fill()").answers_freely());
        assert!(piece("EXECUTE stmt").answers_freely());
        assert!(!piece("CALLOUS").answers_freely());
        assert!(!Piece::library("BEGIN").answers_freely());
    }
}
