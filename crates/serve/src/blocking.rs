//! Work that would hold up other requests.

use axum::http::StatusCode;

use crate::problem::Problem;

/// Does work in a thread of its own. A panic of it is a problem of this request alone.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the server gave up on it"))
    })
}
