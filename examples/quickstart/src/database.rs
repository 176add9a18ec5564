//! What the service keeps, in the database of either engine.

use backstitch::{Report, Status};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, SqlitePool};

use crate::{postgres, sqlite};

/// The database, whichever it is.
#[derive(Clone)]
pub enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Something to do.
#[derive(FromRow, Serialize)]
pub struct Todo {
    pub id: i64,
    pub title: String,
    pub notes: String,
    pub priority: i32,
    pub due_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// What makes a new to-do.
#[derive(Deserialize)]
pub struct NewTodo {
    pub title: String,
    #[serde(default)]
    pub notes: String,
    /// 1 is urgent, 3 is some day.
    pub priority: Option<i32>,
    pub due_at: Option<DateTime<Utc>>,
}

/// Which to-dos to list. Without any wish: all that are not deleted.
#[derive(Deserialize)]
pub struct Filter {
    pub done: Option<bool>,
    /// Words that all occur in the title or the notes.
    pub search: Option<String>,
}

impl Filter {
    /// The words to look for, where there are any.
    pub fn words(&self) -> Option<&str> {
        let words = self.search.as_deref().map(str::trim);
        words.filter(|words| !words.is_empty())
    }
}

/// Everybody shares one list: signing in is not what this example is about.
pub const MAKE_INBOX: &str = "
    INSERT INTO users (email, display_name) VALUES ('me@example.org', 'Me') ON CONFLICT DO NOTHING;
    INSERT INTO lists (owner_id, name) SELECT id, 'Inbox' FROM users WHERE email = 'me@example.org'
    ON CONFLICT DO NOTHING";

impl Database {
    /// Gets ready to connect; the first use connects.
    pub fn open(url: &str) -> sqlx::Result<Database> {
        match url.split(':').next() {
            Some("sqlite") => sqlite::open(url).map(Database::Sqlite),
            Some("postgres" | "postgresql") => postgres::open(url).map(Database::Postgres),
            _ => Err(sqlx::Error::Configuration(
                "the URL of the database begins with neither `sqlite:` nor `postgres:`".into(),
            )),
        }
    }

    /// Applies the migrations that are pending.
    pub async fn migrate(&self) -> Result<Report, backstitch::Error> {
        match self {
            Database::Sqlite(pool) => sqlite::MIGRATIONS.up(pool).await,
            Database::Postgres(pool) => postgres::MIGRATIONS.up(pool).await,
        }
    }

    /// How the migrations stand. Writes nothing.
    pub async fn status(&self) -> Result<Status, backstitch::Error> {
        match self {
            Database::Sqlite(pool) => sqlite::MIGRATIONS.status(pool).await,
            Database::Postgres(pool) => postgres::MIGRATIONS.status(pool).await,
        }
    }

    /// Makes the list that new to-dos go to, where it is missing.
    pub async fn make_inbox(&self) -> sqlx::Result<()> {
        match self {
            Database::Sqlite(pool) => sqlx::raw_sql(MAKE_INBOX).execute(pool).await.map(drop),
            Database::Postgres(pool) => sqlx::raw_sql(MAKE_INBOX).execute(pool).await.map(drop),
        }
    }

    /// Ends all connections.
    pub async fn close(self) {
        match self {
            Database::Sqlite(pool) => pool.close().await,
            Database::Postgres(pool) => pool.close().await,
        }
    }

    /// The to-dos that fit, the most urgent first.
    pub async fn list(&self, filter: &Filter) -> sqlx::Result<Vec<Todo>> {
        match self {
            Database::Sqlite(pool) => sqlite::list(pool, filter).await,
            Database::Postgres(pool) => postgres::list(pool, filter).await,
        }
    }

    /// Adds a to-do to the inbox.
    pub async fn create(&self, new: &NewTodo) -> sqlx::Result<Todo> {
        match self {
            Database::Sqlite(pool) => sqlite::create(pool, new).await,
            Database::Postgres(pool) => postgres::create(pool, new).await,
        }
    }

    /// Ticks a to-do off, or takes that back. `None`: there is none of this id.
    pub async fn set_done(&self, id: i64, done: bool) -> sqlx::Result<Option<Todo>> {
        match self {
            Database::Sqlite(pool) => sqlite::set_done(pool, id, done).await,
            Database::Postgres(pool) => postgres::set_done(pool, id, done).await,
        }
    }

    /// Hides a to-do; its row stays. Whether there was one of this id.
    pub async fn delete(&self, id: i64) -> sqlx::Result<bool> {
        match self {
            Database::Sqlite(pool) => sqlite::delete(pool, id).await,
            Database::Postgres(pool) => postgres::delete(pool, id).await,
        }
    }
}
