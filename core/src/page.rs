//! What each code means, in full: the pages of `backstitch explain`.
//!
//! A page is a file of Markdown beside this one. It opens with the code as its heading and with one
//! sentence, says why that matters, and shows a bad example and a good one: `tests/pages.rs` runs
//! both. Blocks before `## Bad` belong to both. Behind the language of a block may stand the engine or
//! the layout that it is for, and the name of the file; the annotations that every migration needs
//! are left out where they do not matter. Rules bring their pages along, see `rule`.

/// What is to be known about one code.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The whole page, as Markdown.
    pub text: &'static str,
}

/// One line for each page.
const PAGES: &[&str] = &[
    include_str!("page/allow-stale.md"),
    include_str!("page/allow-unknown.md"),
    include_str!("page/allow-without-reason.md"),
    include_str!("page/annotation-conflict.md"),
    include_str!("page/annotation-dangling.md"),
    include_str!("page/annotation-duplicate.md"),
    include_str!("page/annotation-empty.md"),
    include_str!("page/annotation-form.md"),
    include_str!("page/annotation-invalid.md"),
    include_str!("page/annotation-misplaced.md"),
    include_str!("page/annotation-missing.md"),
    include_str!("page/annotation-unknown.md"),
    include_str!("page/argument-invalid.md"),
    include_str!("page/argument-missing.md"),
    include_str!("page/argument-repeated.md"),
    include_str!("page/argument-unknown.md"),
    include_str!("page/batch-in-transaction.md"),
    include_str!("page/batch-not-data.md"),
    include_str!("page/check-empty.md"),
    include_str!("page/check-not-query.md"),
    include_str!("page/check-several.md"),
    include_str!("page/check-untitled.md"),
    include_str!("page/client-command.md"),
    include_str!("page/crate-unknown.md"),
    include_str!("page/dependency-cycle.md"),
    include_str!("page/dependency-itself.md"),
    include_str!("page/dependency-later.md"),
    include_str!("page/dependency-unknown.md"),
    include_str!("page/dependent-object-blocks.md"),
    include_str!("page/duplicate-object.md"),
    include_str!("page/engine-off.md"),
    include_str!("page/engine-unknown.md"),
    include_str!("page/external-stale.md"),
    include_str!("page/file-name.md"),
    include_str!("page/file-not-utf8.md"),
    include_str!("page/file-too-large.md"),
    include_str!("page/file-unreadable.md"),
    include_str!("page/fk-target-mismatch.md"),
    include_str!("page/folder-is-a-file.md"),
    include_str!("page/folder-missing.md"),
    include_str!("page/folder-unreadable.md"),
    include_str!("page/foreign-keys-unsupported.md"),
    include_str!("page/internal-error.md"),
    include_str!("page/irreversible-with-down.md"),
    include_str!("page/layout-unclear.md"),
    include_str!("page/lock-checksum.md"),
    include_str!("page/lock-conflict.md"),
    include_str!("page/lock-duplicate.md"),
    include_str!("page/lock-file-gone.md"),
    include_str!("page/lock-order.md"),
    include_str!("page/lock-outdated.md"),
    include_str!("page/lock-syntax.md"),
    include_str!("page/metadata-unreadable.md"),
    include_str!("page/no-migrations.md"),
    include_str!("page/not-in-transaction.md"),
    include_str!("page/not-sql.md"),
    include_str!("page/nul-character.md"),
    include_str!("page/options-invalid.md"),
    include_str!("page/options-missing.md"),
    include_str!("page/options-rule-unknown.md"),
    include_str!("page/options-since-unknown.md"),
    include_str!("page/options-syntax.md"),
    include_str!("page/options-unknown.md"),
    include_str!("page/own-transaction.md"),
    include_str!("page/project-unclear.md"),
    include_str!("page/replace-incompatible.md"),
    include_str!("page/rollback-drift.md"),
    include_str!("page/rollback-incomplete.md"),
    include_str!("page/rollback-invalid.md"),
    include_str!("page/rollback-missing.md"),
    include_str!("page/rollback-not-repeatable.md"),
    include_str!("page/section-duplicate.md"),
    include_str!("page/section-empty.md"),
    include_str!("page/section-missing.md"),
    include_str!("page/section-misspelt.md"),
    include_str!("page/section-order.md"),
    include_str!("page/section-text.md"),
    include_str!("page/sql-before-section.md"),
    include_str!("page/sqlite-pragma-in-transaction.md"),
    include_str!("page/statement-refused.md"),
    include_str!("page/stored-rollback-unreadable.md"),
    include_str!("page/supersedes-itself.md"),
    include_str!("page/syntax-error.md"),
    include_str!("page/transaction-control.md"),
    include_str!("page/unknown-column.md"),
    include_str!("page/unknown-function.md"),
    include_str!("page/unknown-object.md"),
    include_str!("page/unknown-table.md"),
    include_str!("page/unterminated-body.md"),
    include_str!("page/unterminated-comment.md"),
    include_str!("page/unterminated-dollar-quote.md"),
    include_str!("page/unterminated-name.md"),
    include_str!("page/unterminated-string.md"),
    include_str!("page/up-missing.md"),
    include_str!("page/version-duplicate.md"),
];

/// All pages.
pub fn all() -> impl Iterator<Item = Page> {
    PAGES.iter().map(|text| Page { text })
}

impl Page {
    /// The code that it is about: its heading.
    pub fn code(&self) -> &'static str {
        self.parts()
            .next()
            .unwrap_or_default()
            .trim_start_matches("# ")
    }

    /// Its first sentence.
    pub fn summary(&self) -> &'static str {
        self.parts().nth(1).unwrap_or_default()
    }

    fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.text.split("\n\n")
    }
}
