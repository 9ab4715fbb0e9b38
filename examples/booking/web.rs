//! The handlers. What they answer to an error is JSON, whatever the error.

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use diesel_async::pooled_connection::deadpool::PoolError;
use lback::Error;
use lback::diesel_async::{Database, prelude::*};
use serde_json::{Value, json};

use crate::booking::{Booking, BookingRepository, NewBooking, bookings_of, write_journal};

pub fn router(database: Database) -> Router {
    Router::new()
        .route("/shows/{show}/bookings", get(list).post(book))
        .route("/bookings/{booking}", delete(give_up))
        .fallback(async || Refusal::not_found())
        .with_state(database)
}

#[derive(serde::Deserialize)]
struct Wish {
    guest: String,
    seats: i32,
}

/// One write: the session's own transaction.
async fn book(
    State(database): State<Database>,
    show: Result<Path<i64>, PathRejection>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<(StatusCode, Json<Booking>), Refusal> {
    let (Path(show_id), Json(Wish { guest, seats })) = (show?, wish?);
    let new = NewBooking {
        show_id,
        guest,
        seats,
    };
    let created = database.run(move |session| BookingRepository.create(session, new));
    Ok((StatusCode::CREATED, Json(created.await?)))
}

/// Two writes in one transaction, one of them by the application's own query.
async fn give_up(
    State(database): State<Database>,
    booking: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Refusal> {
    let Path(booking) = booking?;
    let given_up = database.run(move |session| {
        session.transaction(|session| {
            let line = format!("number {booking} is given up");
            session.wait(async |conn| write_journal(conn, &line).await)?;
            BookingRepository.delete(session, booking)
        })
    });
    given_up.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reading needs no session: the pool is the application's.
async fn list(
    State(database): State<Database>,
    show: Result<Path<i64>, PathRejection>,
) -> Result<Json<Vec<Booking>>, Refusal> {
    let Path(show) = show?;
    let mut conn = database.pool().get().await?;
    Ok(Json(bookings_of(&mut conn, show).await?))
}

/// What is answered instead.
struct Refusal(StatusCode, Value);

impl Refusal {
    fn not_found() -> Self {
        Self(StatusCode::NOT_FOUND, json!({ "error": "not found" }))
    }

    /// Somebody may try again.
    fn unavailable() -> Self {
        let answer = json!({ "error": "try again" });
        Self(StatusCode::SERVICE_UNAVAILABLE, answer)
    }

    fn unreadable(status: StatusCode, why: &str) -> Self {
        Self(status, json!({ "error": why }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// What is no business of the client's is logged, and not sent.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (status, answer) = match error {
            Error::Vetoed { message, field, .. } => {
                (422, json!({ "error": message, "field": field }))
            }
            Error::Invalid(invalid) => (
                422,
                json!({ "error": invalid.reason, "field": invalid.field }),
            ),
            Error::Duplicate { .. } => (409, json!({ "error": "exists already" })),
            Error::NotFound { .. } | Error::ForeignKey { .. } => return Self::not_found(),
            error if error.is_retryable() => return Self::unavailable(),
            error @ Error::Connection { .. } => {
                eprintln!("{error:#}");
                return Self::unavailable();
            }
            error => {
                eprintln!("{error:#}");
                (500, json!({ "error": "something went wrong" }))
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(status, answer)
    }
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<PoolError> for Refusal {
    fn from(error: PoolError) -> Self {
        eprintln!("{error}");
        Self::unavailable()
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::unreadable(rejection.status(), &rejection.body_text())
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self::unreadable(rejection.status(), &rejection.body_text())
    }
}
