//! What the service answers.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use backstitch::Status;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::database::{Database, Filter, NewTodo, Todo};

pub fn router(database: Database) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/todos", get(list).post(create))
        .route("/todos/{id}", patch(change).delete(delete))
        .with_state(database)
}

/// How the database stands, for people and for whoever watches the service.
#[derive(Default, Serialize)]
struct Health {
    up_to_date: bool,
    applied: usize,
    last: Option<Last>,
    pending: Vec<String>,
    /// Why the next start would refuse to migrate, or why nobody knows.
    trouble: Option<String>,
    server: Option<String>,
}

/// What was done last.
#[derive(Serialize)]
struct Last {
    id: String,
    state: backstitch::State,
    applied_at: String,
}

impl From<Status> for Health {
    fn from(status: Status) -> Health {
        let applied = |row: &&backstitch::Row| row.state == backstitch::State::Applied;
        Health {
            up_to_date: status.is_up_to_date(),
            applied: status.history.iter().filter(applied).count(),
            last: status.history.into_iter().next_back().map(|row| Last {
                id: row.id,
                state: row.state,
                applied_at: row.applied_at,
            }),
            pending: status.pending,
            trouble: status.trouble,
            server: status.server,
        }
    }
}

/// 503 where the database is not as this program needs it, so that a load balancer looks elsewhere.
async fn health(State(database): State<Database>) -> (StatusCode, Json<Health>) {
    let health = match database.status().await {
        Ok(status) => Health::from(status),
        Err(error) => Health {
            trouble: Some(error.to_string()),
            ..Health::default()
        },
    };
    match health.up_to_date {
        true => (StatusCode::OK, Json(health)),
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(health)),
    }
}

async fn list(
    State(database): State<Database>,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<Todo>>, Error> {
    Ok(Json(database.list(&filter).await?))
}

async fn create(
    State(database): State<Database>,
    Json(new): Json<NewTodo>,
) -> Result<(StatusCode, Json<Todo>), Error> {
    Ok((StatusCode::CREATED, Json(database.create(&new).await?)))
}

#[derive(Deserialize)]
struct Change {
    done: bool,
}

async fn change(
    State(database): State<Database>,
    Path(id): Path<i64>,
    Json(change): Json<Change>,
) -> Result<Json<Todo>, Error> {
    let changed = database.set_done(id, change.done).await?;
    changed.map(Json).ok_or(Error::NotFound)
}

async fn delete(
    State(database): State<Database>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Error> {
    match database.delete(id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Error::NotFound),
    }
}

/// Why a request was not answered as it was meant.
enum Error {
    NotFound,
    /// The database has a rule against it.
    Refused(String),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        match error.as_database_error() {
            Some(refused) if refused.is_check_violation() => {
                Error::Refused(refused.message().to_owned())
            }
            _ => Error::Database(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Error::NotFound => (StatusCode::NOT_FOUND, "there is no such to-do".to_owned()),
            Error::Refused(message) => (StatusCode::UNPROCESSABLE_ENTITY, message),
            Error::Database(error) => {
                tracing::error!(%error, "the database did not answer as expected");
                let message = "the database did not answer as expected".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}
