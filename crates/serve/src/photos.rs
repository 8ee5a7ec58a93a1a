//! An uploaded photo to a model's answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use kennel_data::{DecodeError, decode};
use kennel_infer::{ExplainedPhoto, Prepared, Row};

use crate::admission::Admitted;
use crate::hosted::{Failed, Hosted};
use crate::problem::Problem;
use crate::state::Server;
use crate::upload::Upload;

/// Why a photo has no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// It cannot be decoded.
    Photo(DecodeError),
    /// The model, or the server.
    Failed(Failed),
}

impl From<NoAnswer> for Problem {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::Photo(error) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            }
            NoAnswer::Failed(reason) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason.to_string())
            }
        }
    }
}

/// Labels a photo.
pub async fn label(server: &Server, model: &Arc<Hosted>, photo: Upload) -> Result<Row, NoAnswer> {
    let expected = model.expect();
    let prepared = prepare(server, model, photo.bytes).await?;
    expected.label(photo.name, prepared).await.map_err(NoAnswer::Failed)
}

/// Explains a photo: for a class, or for the one that the model gives it.
pub async fn explain(
    server: &Server,
    model: &Arc<Hosted>,
    photo: Upload,
    class_index: Option<usize>,
) -> Result<ExplainedPhoto, NoAnswer> {
    let expected = model.expect();
    let prepared = prepare(server, model, photo.bytes).await?;
    expected.explain(photo.name, prepared, class_index).await.map_err(NoAnswer::Failed)
}

/// Computes the features of a photo.
pub async fn features(
    server: &Server,
    model: &Arc<Hosted>,
    photo: Upload,
) -> Result<Vec<f32>, NoAnswer> {
    let expected = model.expect();
    let prepared = prepare(server, model, photo.bytes).await?;
    expected.features(photo.name, prepared).await.map_err(NoAnswer::Failed)
}

/// Labels photos in their order. They count as in work until the last is done, even if the client
/// hangs up.
pub async fn label_all(
    server: &Server,
    model: &Arc<Hosted>,
    photos: Vec<Upload>,
    admitted: &Admitted,
) -> Vec<Result<Row, NoAnswer>> {
    let tasks: Vec<_> = photos
        .into_iter()
        .map(|photo| {
            let (server, model, admitted) = (server.clone(), model.clone(), admitted.clone());
            tokio::spawn(async move {
                let labelled = label(&server, &model, photo).await;
                drop(admitted);
                labelled
            })
        })
        .collect();
    let mut rows = Vec::with_capacity(tasks.len());
    for task in tasks {
        let gave_up = |_| Err(NoAnswer::Failed("labelling gave up".into()));
        rows.push(task.await.unwrap_or_else(gave_up));
    }
    rows
}

/// Decodes and prepares a photo, as many at once as there are cores.
async fn prepare(server: &Server, model: &Hosted, bytes: Bytes) -> Result<Prepared, NoAnswer> {
    let turn = server.decoding.acquire().await.expect("the semaphore is never closed");
    let preprocessing = model.about().preprocessing.clone();
    let work = move || {
        let decoded = decode(&bytes).map_err(NoAnswer::Photo)?;
        Ok(Prepared::of(decoded, preprocessing.as_ref()))
    };
    let prepared = tokio::task::spawn_blocking(work).await;
    drop(turn);
    prepared.unwrap_or_else(|_| Err(NoAnswer::Failed("decoding gave up".into())))
}
