//! The service on SQLite.

use backstitch::{Migrations, migrations};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Sqlite, SqlitePool};

use crate::database::{Filter, NewTodo, Todo};

pub static MIGRATIONS: Migrations<Sqlite> =
    migrations!("../../migrations/todo/sqlite", dialect = sqlite);

pub fn open(url: &str) -> sqlx::Result<SqlitePool> {
    let options: SqliteConnectOptions = url.parse()?;
    let options = options.create_if_missing(true);
    // Readers and the one writer do not wait for each other.
    let options = options.journal_mode(SqliteJournalMode::Wal);
    Ok(SqlitePool::connect_lazy_with(options))
}

pub async fn list(pool: &SqlitePool, filter: &Filter) -> sqlx::Result<Vec<Todo>> {
    sqlx::query_as(
        "SELECT id, title, notes, priority, due_at, completed_at, created_at FROM todos
         WHERE deleted_at IS NULL
           AND ($1 IS NULL OR (completed_at IS NOT NULL) = $1)
           AND ($2 IS NULL OR id IN (SELECT rowid FROM todo_search WHERE todo_search MATCH $2))
         ORDER BY priority, created_at, id",
    )
    .bind(filter.done)
    .bind(filter.words().map(all_words))
    .fetch_all(pool)
    .await
}

pub async fn create(pool: &SqlitePool, new: &NewTodo) -> sqlx::Result<Todo> {
    sqlx::query_as(
        "INSERT INTO todos (list_id, title, notes, priority, due_at)
         SELECT id, $1, $2, coalesce($3, 2), $4 FROM lists WHERE name = 'Inbox'
         RETURNING id, title, notes, priority, due_at, completed_at, created_at",
    )
    .bind(&new.title)
    .bind(&new.notes)
    .bind(new.priority)
    .bind(new.due_at)
    .fetch_one(pool)
    .await
}

pub async fn set_done(pool: &SqlitePool, id: i64, done: bool) -> sqlx::Result<Option<Todo>> {
    sqlx::query_as(
        "UPDATE todos SET completed_at =
           CASE WHEN $2 THEN coalesce(completed_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) END
         WHERE id = $1 AND deleted_at IS NULL
         RETURNING id, title, notes, priority, due_at, completed_at, created_at",
    )
    .bind(id)
    .bind(done)
    .fetch_optional(pool)
    .await
}

pub async fn delete(pool: &SqlitePool, id: i64) -> sqlx::Result<bool> {
    let deleted = sqlx::query(
        "UPDATE todos SET deleted_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
         WHERE id = $1 AND deleted_at IS NULL",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(deleted.rows_affected() > 0)
}

/// A query of FTS5 for all of these words, whatever signs are in them.
fn all_words(words: &str) -> String {
    let quoted = |word: &str| format!("\"{}\"", word.replace('"', "\"\""));
    words
        .split_whitespace()
        .map(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}
