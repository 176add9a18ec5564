//! What a [`Trait`] of a statement means for its migration, in words.

use super::{Nature, Trait};
use crate::diagnostic::Diagnostic;
use crate::dialect::InTransaction;
use crate::migration::Transaction;
use crate::source::{Source, Span};

/// What a trait means for a migration in this transaction, if anything.
pub(super) fn explain(
    source: &Source,
    found: Trait,
    transaction: Transaction,
) -> Option<Diagnostic> {
    let words = found
        .span
        .of(source.text())
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let diagnostic = match (found.nature, transaction) {
        (Nature::TransactionControl, Transaction::One) => Diagnostic::error(
            "transaction-control",
            format!("`{words}` steers a transaction that belongs to the runner"),
        )
        .at(
            source,
            found.span,
            "the migration already runs in a transaction",
        )
        .why(
            "The runner commits a migration together with its row in the history; \
             a transaction that begins or ends in between takes the two apart.",
        )
        .help(
            "Delete this line; the transaction around the migration does what it asks for. \
             Statements that must not share one go into files of their own.",
        ),
        (Nature::TransactionControl, Transaction::None) => Diagnostic::error(
            "transaction-control",
            format!("`{words}` steers a transaction, and this migration runs without one"),
        )
        .at(source, found.span, "each statement is committed by itself")
        .why(
            "The runner notes after each statement that it is done, so that a failed migration \
             goes on where it stopped; inside a transaction of the file the notes would be lost.",
        )
        .help(
            "Delete this line; what must run in one transaction goes into a file of its own, \
             without `-- @transaction: false`.",
        ),
        (Nature::TransactionControlInBlock, Transaction::One) => Diagnostic::error(
            "transaction-control",
            format!("a block with `{words}` cannot run inside a transaction"),
        )
        .at(
            source,
            found.span,
            "ends a transaction that belongs to the runner",
        )
        .why("The engine refuses it: invalid transaction termination.")
        .help(outside_help()),
        (Nature::OutsideTransaction, Transaction::One) => Diagnostic::error(
            "not-in-transaction",
            format!("`{words}` cannot run inside a transaction"),
        )
        .at(source, found.span, "the migration runs in a transaction")
        .why("The engine refuses it there, even when it is the only statement.")
        .help(outside_help()),
        (Nature::OutsideTransactionIf(condition), Transaction::One) => Diagnostic::warn(
            "not-in-transaction",
            format!("`{words}` fails inside a transaction if {condition}"),
        )
        .at(source, found.span, "the migration runs in a transaction")
        .why("The text does not tell which it is.")
        .help(outside_help()),
        (Nature::PragmaOutsideTransaction(effect), Transaction::One) => {
            explain_pragma(source, found.span, &words, effect)
        }
        (
            Nature::TransactionControlInBlock
            | Nature::OutsideTransaction
            | Nature::OutsideTransactionIf(_)
            | Nature::PragmaOutsideTransaction(_),
            Transaction::None,
        ) => return None,
        (Nature::CopiesThroughClient, _) => Diagnostic::error(
            "client-command",
            format!("`{words}` needs a client program that sends the rows"),
        )
        .at(
            source,
            found.span,
            "no rows can be sent while migrations run",
        )
        .why("It works in a shell and in dump files only; the rows behind it are no SQL.")
        .help("Write the rows as SQL:\nINSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y');"),
        (Nature::ClientVariable, _) => Diagnostic::error(
            "client-command",
            format!("`{words}` is a variable of a client program"),
        )
        .at(source, found.span, "nothing replaces this")
        .why("The client program puts its value in before the server sees the statement.")
        .help("Write the value itself."),
    };
    Some(diagnostic)
}

fn outside_help() -> &'static str {
    "Give it a migration of its own that runs without a transaction:\n-- @transaction: false"
}

fn explain_pragma(source: &Source, span: Span, words: &str, effect: InTransaction) -> Diagnostic {
    let switches_foreign_keys = words.to_ascii_lowercase().contains("foreign_keys");
    let (message, why) = match effect {
        InTransaction::Fails => (
            format!("`{words}` fails inside a transaction"),
            "The engine refuses it there.",
        ),
        InTransaction::IsIgnored => (
            format!("`{words}` does nothing inside a transaction"),
            "The engine takes it there without a word and without effect.",
        ),
    };
    let diagnostic = Diagnostic::error("sqlite-pragma-in-transaction", message).at(
        source,
        span,
        "the migration runs in a transaction",
    );
    if !switches_foreign_keys {
        return diagnostic.why(why).help(outside_help());
    }
    diagnostic
        .why(
            "With foreign keys still on, dropping a table of a rebuild deletes or blocks the rows \
             that refer to it.",
        )
        .help(
            "Delete this line and let the runner switch them off before the transaction begins, \
             check them before it commits and restore them after:\n-- @foreignKeys: off",
        )
}
