//! The service on PostgreSQL.

use std::time::Duration;

use backstitch::{Migrations, migrations};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Postgres};

use crate::database::{Filter, NewTodo, Todo};

pub static MIGRATIONS: Migrations<Postgres> =
    migrations!("../../migrations/todo/postgres", dialect = postgres);

pub fn open(url: &str) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy(url)
}

pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Vec<Todo>> {
    sqlx::query_as(
        "SELECT id, title, notes, priority, due_at, completed_at, created_at FROM todos
         WHERE deleted_at IS NULL
           AND ($1::boolean IS NULL OR (completed_at IS NOT NULL) = $1)
           AND ($2::text IS NULL OR search @@ plainto_tsquery('simple', $2))
         ORDER BY priority, created_at, id",
    )
    .bind(filter.done)
    .bind(filter.words())
    .fetch_all(pool)
    .await
}

pub async fn create(pool: &PgPool, new: &NewTodo) -> sqlx::Result<Todo> {
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

pub async fn set_done(pool: &PgPool, id: i64, done: bool) -> sqlx::Result<Option<Todo>> {
    sqlx::query_as(
        "UPDATE todos SET completed_at = CASE WHEN $2 THEN coalesce(completed_at, now()) END
         WHERE id = $1 AND deleted_at IS NULL
         RETURNING id, title, notes, priority, due_at, completed_at, created_at",
    )
    .bind(id)
    .bind(done)
    .fetch_optional(pool)
    .await
}

pub async fn delete(pool: &PgPool, id: i64) -> sqlx::Result<bool> {
    let deleted =
        sqlx::query("UPDATE todos SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL")
            .bind(id)
            .execute(pool)
            .await?;
    Ok(deleted.rows_affected() > 0)
}
