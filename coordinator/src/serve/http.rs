//! Health and metrics over HTTP, read only: `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::{
    Router,
    extract::State as Shared,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::metrics;
use crate::{state::State, store::meta};

/// Serves until told to stop.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(show))
        .with_state(state);
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the HTTP server ended");
    }
}

/// Ready means that everything works, enrolment too.
async fn ready(Shared(state): Shared<Arc<State>>) -> (StatusCode, String) {
    if let Err(error) = state.store.call(|database| meta::epoch(database)).await {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"));
    }
    match (state.store.writable(), state.distrust()) {
        (true, None) => (StatusCode::OK, "ok\n".to_owned()),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be written\n".to_owned()),
        (true, Some(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn show(Shared(state): Shared<Arc<State>>) -> axum::response::Response {
    match metrics::text(&state) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
